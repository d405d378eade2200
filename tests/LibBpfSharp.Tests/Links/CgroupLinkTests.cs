using System.Globalization;
using System.Net;
using System.Net.Sockets;
using EbpfProxy.Testing.Kernel;

namespace LibBpfSharp.Tests.Links;

public sealed class CgroupLinkTests : IDisposable
{
    private readonly BpfObject _sample;
    private readonly ScratchCgroup _cgroup;
    private readonly ScratchBpffs _bpffs;
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

    public CgroupLinkTests()
    {
        _listener.Start();
        _sample = Sample.Load();
        _cgroup = new ScratchCgroup();
        _bpffs = new ScratchBpffs();
    }

    private BpfProgram Refuse => _sample.GetProgram("sample_refuse").Program;

    private BpfProgram Allow => _sample.GetProgram("sample_allow").Program;

    [KernelFact]
    public void An_attached_program_decides_until_its_link_is_disposed()
    {
        using (BpfLink.AttachCgroup(Refuse, _cgroup.Path))
        {
            Assert.False(CanConnect());
        }

        Assert.True(CanConnect());
    }

    [KernelFact]
    public void A_cgroup_tells_the_programs_that_are_attached_to_it()
    {
        Assert.Empty(BpfCgroup.QueryPrograms(_cgroup.Path, BpfAttachType.CgroupInet4Connect));

        using var link = BpfLink.AttachCgroup(Refuse, _cgroup.Path);

        Assert.Equal([Refuse.Id], BpfCgroup.QueryPrograms(_cgroup.Path, BpfAttachType.CgroupInet4Connect));
        Assert.Empty(BpfCgroup.QueryPrograms(_cgroup.Path, BpfAttachType.CgroupInet6Connect));
    }

    [KernelFact]
    public void A_pinned_link_goes_on_and_can_be_opened_and_updated()
    {
        string pin = _bpffs["link"];
        using (var link = BpfLink.AttachCgroup(Refuse, _cgroup.Path))
        {
            link.Pin(pin);
        }

        using var opened = BpfLink.OpenPinned(pin);
        bool wasRefused = !CanConnect();
        opened.Update(Allow);

        Assert.True(wasRefused);
        Assert.True(CanConnect());
        Assert.Equal(Allow.Id, opened.Info.ProgramId);
    }

    [KernelFact]
    public void An_update_that_expects_another_program_changes_nothing()
    {
        using var link = BpfLink.AttachCgroup(Refuse, _cgroup.Path);

        var failure = Assert.Throws<BpfException>(() => link.Update(Allow, expected: Allow));
        link.Update(Allow, expected: Refuse);

        Assert.Equal("update link \"sample_refuse\" to program \"sample_allow\": EPERM (Operation not permitted)", failure.Message);
        Assert.Equal(Allow.Id, link.Info.ProgramId);
    }

    [KernelFact]
    public void A_link_tells_what_it_is()
    {
        using var link = BpfLink.AttachCgroup(Allow, _cgroup.Path);

        var info = link.Info;
        using var again = BpfLink.TryFromId(info.Id);

        Assert.Equal((BpfLinkType.Cgroup, BpfAttachType.CgroupInet4Connect, Allow.Id), (info.Type, info.AttachType, info.ProgramId));
        Assert.Equal(Inode(_cgroup.Path), info.CgroupId);
        Assert.Equal(info, again?.Info);
    }

    [KernelFact]
    public void A_detached_link_lets_everything_through_and_forgets_its_cgroup()
    {
        using var link = BpfLink.AttachCgroup(Refuse, _cgroup.Path);

        link.Detach();

        Assert.True(CanConnect());
        Assert.Equal(0ul, link.Info.CgroupId);
    }

    [KernelFact]
    public void A_pin_that_is_not_there_is_null_or_an_error()
    {
        string pin = _bpffs["nothing"];

        var failure = Assert.Throws<BpfException>(() => BpfLink.OpenPinned(pin));

        Assert.Null(BpfLink.TryOpenPinned(pin));
        Assert.Equal($"open pinned link \"{pin}\": ENOENT (No such file or directory)", failure.Message);
    }

    [KernelFact]
    public void A_pin_of_another_kind_is_refused()
    {
        Allow.Pin(_bpffs["program"]);

        Assert.Throws<InvalidDataException>(() => BpfLink.OpenPinned(_bpffs["program"]));
        Assert.Throws<InvalidDataException>(() => BpfMap.OpenPinned(_bpffs["program"]));
        using var program = BpfProgram.OpenPinned(_bpffs["program"]);
        Assert.Equal((Allow.Id, "sample_allow"), (program.Id, program.Name));
    }

    [KernelFact]
    public void A_folder_that_is_no_cgroup_is_named_in_the_error()
    {
        var failure = Assert.Throws<BpfException>(() => BpfLink.AttachCgroup(Allow, "/tmp"));

        Assert.Equal("attach cgroup connect4 \"sample_allow\" to /tmp: EBADF (Bad file descriptor)", failure.Message);
    }

    [KernelFact]
    public void A_program_that_does_not_say_where_it_attaches_must_be_told()
    {
        Allow.Pin(_bpffs["program"]);
        using var program = BpfProgram.OpenPinned(_bpffs["program"]);

        Assert.Throws<ArgumentException>(() => BpfLink.AttachCgroup(program, _cgroup.Path));

        using var link = BpfLink.AttachCgroup(program, _cgroup.Path, BpfAttachType.CgroupInet4Connect);
        Assert.Equal(program.Id, link.Info.ProgramId);
    }

    public void Dispose()
    {
        _listener.Dispose();
        _sample.Dispose();
        _bpffs.Dispose();
        _cgroup.Dispose();
    }

    private static ulong Inode(string path) => ulong.Parse(Shell.Require("stat -c %i \"$1\"", path), CultureInfo.InvariantCulture);

    private bool CanConnect()
    {
        int port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        return _cgroup.Run("exec 3<>/dev/tcp/127.0.0.1/$1", port.ToString(CultureInfo.InvariantCulture)).ExitCode == 0;
    }
}
