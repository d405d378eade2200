using EbpfProxy.Datapath.View;
using EbpfProxy.Testing.Kernel;
using LibBpfSharp;

namespace EbpfProxy.Datapath.Tests.Devices;

/// <summary>Programs at devices of a network namespace, by both ways to attach.</summary>
public sealed class DeviceProgramsTests : IDisposable
{
    private readonly DeviceStage _stage = new();

    public static TheoryData<bool> Ways => BpfProbe.Tcx == BpfFeature.Available ? [false, true] : [true];

    public void Dispose() => _stage.Dispose();

    [KernelTheory]
    [MemberData(nameof(Ways))]
    public void Programs_are_at_every_device_and_stay_when_the_process_ends(bool usesClsact)
    {
        _stage.Ip("link add veth0.1 type veth peer name veth1");
        _stage.Ip("link add br0 type bridge");
        _stage.Ip("tuntap add tun0 mode tun");
        using (var run = _stage.Start(usesClsact))
        {
            run.Update();

            Assert.Equal((4, 0), (run.AttachedCount, run.Failed.Count));
        }

        Assert.Equal(
            ["br0 egress", "br0 ingress", "tun0 egress", "tun0 ingress", "veth0.1 egress", "veth0.1 ingress", "veth1 egress", "veth1 ingress"],
            Hooks());
        Assert.All(_stage.Read(), row => Assert.Equal(usesClsact ? "clsact prio 1 handle 0xebf0" : "tcx first", row.Place));
    }

    [KernelTheory]
    [MemberData(nameof(Ways))]
    public void A_device_without_link_header_gets_the_programs_for_it(bool usesClsact)
    {
        _stage.Ip("tuntap add tun0 mode tun");
        using var run = _stage.Start(usesClsact);
        run.Update();

        uint[] expected = [run.IdOf("proxy_ingress_ip"), run.IdOf("proxy_egress_ip")];
        Assert.Equal(expected, _stage.Read().Select(row => row.ProgramId));
    }

    [KernelTheory]
    [MemberData(nameof(Ways))]
    public void What_the_kernel_refuses_to_devices_without_link_header_the_others_do_not_suffer_from(bool usesClsact)
    {
        _stage.Ip("link add veth0 type veth peer name veth1");
        _stage.Ip("tuntap add tun0 mode tun");
        using var run = _stage.Start(usesClsact);
        run.RefusesOthers = true;

        run.Update();
        run.Update();

        Assert.Equal(2, run.AttachedCount);
        Assert.Equal(["tun0"], run.Failed);
        Assert.Equal(["veth0 egress", "veth0 ingress", "veth1 egress", "veth1 ingress"], Hooks());
        Assert.Equal(["proxy_egress", "proxy_ingress"], run.Loaded);
        Assert.Matches(
            "^Device tun0 is without the programs.*: load program \"proxy_egress_ip\": [A-Z]+ [^;]+; .+$",
            Assert.Single(run.Log.All, line => line.StartsWith("Device ", StringComparison.Ordinal)));
    }

    [KernelFact]
    public void What_the_kernel_refused_it_is_asked_again_after_pauses_that_grow()
    {
        _stage.Ip("tuntap add tun0 mode tun");
        using var run = _stage.Start(usesClsact: true);
        run.RefusesOthers = true;
        run.Update();

        foreach (int pause in (int[])[30, 60, 120])
        {
            int before = run.Openings;
            run.Clock.Advance(pause - 1);
            run.Update();
            Assert.Equal(before, run.Openings);
            run.Clock.Advance(1);
            run.Update();
            Assert.Equal(before + 1, run.Openings);
        }

        run.RefusesOthers = false;
        run.Clock.Advance(3600);
        run.Update(isThorough: false);

        Assert.Equal((1, 0), (run.AttachedCount, run.Failed.Count));
        Assert.Equal(["tun0 egress", "tun0 ingress"], Hooks());
    }

    [KernelTheory]
    [MemberData(nameof(Ways))]
    public void The_next_run_takes_over_in_place(bool usesClsact)
    {
        _stage.Ip("link add veth0 type veth peer name veth1");
        using (var run = _stage.Start(usesClsact))
        {
            run.Update();
        }

        uint[] links = LinkIds();
        using var next = _stage.Start(usesClsact);
        next.Update();

        Assert.Equal(links, LinkIds());
        Assert.Equal(4, _stage.Read().Count);
        Assert.All(_stage.Read(), row => Assert.Contains(row.ProgramId, new[] { next.IdOf("proxy_ingress"), next.IdOf("proxy_egress") }));
        Assert.Equal(usesClsact ? 1 : 0, Count("veth0", "ingress"));
    }

    [KernelTheory]
    [MemberData(nameof(Ways))]
    public void What_others_have_stands_beside_and_is_named(bool usesClsact)
    {
        _stage.Ip("link add veth0 type veth peer name veth1");
        _stage.Tc("qdisc add dev veth0 clsact");
        _stage.Tc("filter add dev veth0 ingress prio 1 protocol ip u32 match u32 0 0 flowid :1");
        using var run = _stage.Start(usesClsact, "veth0");
        run.Update();

        var row = _stage.Read().Single(row => row.Direction == "ingress");
        Assert.Equal(usesClsact ? "clsact prio 2 handle 0xebf0" : "tcx first", row.Place);
        Assert.Contains("u32", usesClsact ? row.Before : row.After);

        Cleanup();
        Assert.Empty(_stage.Read());
        Assert.Contains("u32", _stage.Tc("filter show dev veth0 ingress"), StringComparison.Ordinal);
    }

    [KernelTheory]
    [MemberData(nameof(Ways))]
    public void What_somebody_takes_away_is_put_back(bool usesClsact)
    {
        _stage.Ip("link add veth0 type veth peer name veth1");
        using var run = _stage.Start(usesClsact, "veth*");
        run.Update();
        if (usesClsact)
        {
            _stage.Tc("qdisc del dev veth0 clsact");
            _stage.Tc("filter del dev veth1 egress");
        }
        else
        {
            Detach("ingress", "veth0");
            Detach("egress", "veth1");
        }

        Assert.NotEqual(4, _stage.Read().Count);
        run.Update(isThorough: false);
        Assert.NotEqual(4, _stage.Read().Count);
        run.Update();
        Assert.Equal(4, _stage.Read().Count);
    }

    [KernelTheory]
    [MemberData(nameof(Ways))]
    public void A_device_that_comes_again_under_its_name_or_its_index_gets_the_programs(bool usesClsact)
    {
        _stage.Ip("link add veth0 index 77 type veth peer name veth1");
        using var run = _stage.Start(usesClsact, "veth0");
        run.Update();

        _stage.Ip("link del veth0");
        _stage.Ip("link add veth0 index 78 type veth peer name veth1");
        run.Update(isThorough: false);
        Assert.Equal(2, _stage.Read().Count);

        _stage.Ip("link del veth0");
        _stage.Ip("link add veth0 index 78 type veth peer name veth1");
        run.Update();
        Assert.Equal(2, _stage.Read().Count);
        Assert.Equal(usesClsact ? 0 : 2, Pins().Length);
    }

    [KernelFact]
    public void A_device_that_is_renamed_or_no_longer_wanted_keeps_no_pin_of_its_old_name()
    {
        Assert.SkipUnless(BpfProbe.Tcx == BpfFeature.Available, "no tcx");
        _stage.Ip("link add veth0 type veth peer name veth1");
        using (var run = _stage.Start(usesClsact: false))
        {
            run.Update();
            _stage.Ip("link set veth0 name eth9");
            run.Update(isThorough: false);
            Assert.Contains(Pins(), pin => pin.EndsWith("-eth9", StringComparison.Ordinal));
        }

        _stage.Ip("link set eth9 name eth8");
        using var next = _stage.Start(usesClsact: false, "eth8");
        next.Update();

        Assert.Equal(["eth8 egress", "eth8 ingress"], Hooks());
        Assert.All(Pins(), pin => Assert.EndsWith("-eth8", pin, StringComparison.Ordinal));
    }

    [KernelFact]
    public void Where_an_ingress_qdisc_leaves_no_room_the_device_is_without_and_the_others_are_not()
    {
        _stage.Ip("link add veth0 type veth peer name veth1");
        _stage.Tc("qdisc add dev veth0 ingress");
        using var run = _stage.Start(usesClsact: true);
        run.Update();

        Assert.Equal(1, run.AttachedCount);
        Assert.Equal(["veth0"], run.Failed);
        Assert.Equal(["veth1 egress", "veth1 ingress"], Hooks());

        _stage.Tc("qdisc del dev veth0 ingress");
        run.Update(isThorough: false);
        Assert.Equal((2, 0), (run.AttachedCount, run.Failed.Count));
    }

    [KernelTheory]
    [MemberData(nameof(Ways))]
    public void Cleanup_removes_ours_and_only_the_qdisc_that_we_made(bool usesClsact)
    {
        _stage.Ip("link add veth0 type veth peer name veth1");
        _stage.Tc("qdisc add dev veth0 clsact");
        using (var run = _stage.Start(usesClsact))
        {
            run.Update();
        }

        Cleanup();

        Assert.Empty(_stage.Read());
        Assert.Contains("clsact", _stage.Tc("qdisc show dev veth0"), StringComparison.Ordinal);
        Assert.DoesNotContain("clsact", _stage.Tc("qdisc show dev veth1"), StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.GetDirectoryName(_stage.Links)));
    }

    [KernelFact]
    public void A_run_that_attaches_the_other_way_removes_what_was_attached_the_one_way()
    {
        Assert.SkipUnless(BpfProbe.Tcx == BpfFeature.Available, "no tcx");
        _stage.Ip("link add veth0 type veth peer name veth1");
        foreach (bool usesClsact in new[] { true, false, true })
        {
            using var run = _stage.Start(usesClsact);
            run.Update();

            Assert.All(_stage.Read(), row => Assert.StartsWith(usesClsact ? "clsact" : "tcx", row.Place, StringComparison.Ordinal));
            Assert.Equal(usesClsact ? 1 : 0, Count("veth0", "ingress"));
            Assert.Equal(4, _stage.Read().Count);
            Assert.Equal(usesClsact ? 0 : 4, Pins().Length);
        }
    }

    [KernelFact]
    public void That_no_device_is_one_that_was_wanted_is_told_once()
    {
        _stage.Ip("link add veth0 type veth peer name veth1");
        using var run = _stage.Start(usesClsact: true, "eth7", "wg*");

        run.Update();
        run.Update();
        Assert.Equal(
            "Not ready: --devices (eth7, wg*) names none of this node's devices (lo, veth1, veth0). Those that have the programs keep them: none",
            Assert.Single(run.Log.All));
        Assert.Equal(["eth7", "wg*"], run.Unmatched);
        Assert.Empty(Hooks());

        _stage.Ip("link set veth1 name eth7");
        run.Update();
        Assert.Empty(run.Unmatched);
        Assert.Single(run.Log.All, line => line == "--devices (eth7, wg*) names devices of this node now: eth7");
        _stage.Ip("link set eth7 name veth1");
        run.Update();
        Assert.Equal(2, run.Log.All.Count(line => line.StartsWith("Not ready", StringComparison.Ordinal)));
        Assert.Equal(["veth1 egress", "veth1 ingress"], Hooks());
    }

    [KernelTheory]
    [MemberData(nameof(Ways))]
    public void What_an_earlier_run_serves_is_served_on_while_the_names_of_this_one_match_nothing(bool usesClsact)
    {
        _stage.Ip("link add veth0 type veth peer name veth1");
        _stage.Ip("link add veth2 type veth peer name veth3");
        using (var run = _stage.Start(usesClsact, "veth0", "veth2"))
        {
            run.Update();
        }

        using var mistyped = _stage.Start(usesClsact, "vteh*", "!veth2");
        mistyped.Update();
        mistyped.Update();

        Assert.Equal(["veth0 egress", "veth0 ingress", "veth2 egress", "veth2 ingress"], Hooks());
        Assert.All(_stage.Read(), row => Assert.Contains(row.ProgramId, new[] { mistyped.IdOf("proxy_ingress"), mistyped.IdOf("proxy_egress") }));
        Assert.Contains(mistyped.Log.All, line => line.EndsWith("Those that have the programs keep them: veth0, veth2", StringComparison.Ordinal));

        _stage.Ip("link del veth2");
        mistyped.Update();
        _stage.Ip("link set veth1 name vteh1");
        mistyped.Update();
        Assert.Equal(["vteh1 egress", "vteh1 ingress"], Hooks());
        Assert.Empty(mistyped.Unmatched);
    }

    [KernelFact]
    public void A_node_whose_devices_are_all_excluded_has_no_programs()
    {
        _stage.Ip("link add veth0 type veth peer name veth1");
        using (var run = _stage.Start(usesClsact: true))
        {
            run.Update();
        }

        using var next = _stage.Start(usesClsact: true, "!*");
        next.Update();

        Assert.Empty(Hooks());
        Assert.Empty(next.Unmatched);
        Assert.StartsWith("No device of this node carries traffic", Assert.Single(next.Log.All), StringComparison.Ordinal);
    }

    [KernelTheory]
    [MemberData(nameof(Ways))]
    public void Two_hundred_devices_that_come_and_go_leave_nothing_behind(bool usesClsact)
    {
        using var run = _stage.Start(usesClsact, "pod*");
        run.Update();
        var churn = Task.Run(() => _stage.Network.Run(
            "for i in $(seq 200); do ip link add pod$i type veth peer name eth0 netns $$ 2>/dev/null || ip link add pod$i type veth peer name e$i; " +
            "[ $((i % 2)) = 0 ] || ip link del pod$i; done"));

        while (!churn.IsCompleted)
        {
            run.Update(isThorough: false);
        }

        churn.GetAwaiter().GetResult();
        run.Update();

        Assert.Equal((100, 0), (run.AttachedCount, run.Failed.Count));
        Assert.Equal(200, _stage.Read().Count);
        Assert.Equal(usesClsact ? 0 : 200, Pins().Length);

        _stage.Network.Run("for i in $(seq 2 2 200); do ip link del pod$i; done");
        run.Update(isThorough: false);
        Assert.Empty(Pins());
        Assert.Empty(Directory.Exists(Path.Combine(_stage.Links, "clsact")) ? Directory.GetDirectories(Path.Combine(_stage.Links, "clsact")) : []);
    }

    private void Cleanup() => _stage.Network.Invoke(() => DatapathState.Remove(_stage.BpfFileSystem));

    private string[] Hooks() => [.. _stage.Read().Select(row => $"{row.Device} {row.Direction}").Order(StringComparer.Ordinal)];

    private string[] Pins() =>
        Directory.Exists(Path.Combine(_stage.Links, "devices")) ? Directory.GetFiles(Path.Combine(_stage.Links, "devices")) : [];

    private uint[] LinkIds() => [.. Pins().Order().Select(path =>
    {
        using var link = BpfLink.OpenPinned(path);
        return link.Info.Id;
    })];

    private void Detach(string direction, string device)
    {
        string pin = Pins().Single(pin => Path.GetFileName(pin).StartsWith(direction, StringComparison.Ordinal) && pin.EndsWith(device, StringComparison.Ordinal));
        using var link = BpfLink.OpenPinned(pin);
        link.Detach();
    }

    /// <summary>How many filters of ours tc shows.</summary>
    private int Count(string device, string direction)
    {
        var shown = Shell.Run($"tc -n \"$1\" filter show dev {device} {direction}", _stage.Network.Name);
        return shown.Output.Split('\n').Count(line => line.Contains("handle 0xebf0", StringComparison.Ordinal));
    }
}
