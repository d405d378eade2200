using System.Collections.Concurrent;
using EbpfProxy.Daemon;
using EbpfProxy.Datapath;
using EbpfProxy.Model.Network;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace EbpfProxy.Tests.Daemon;

public sealed class NoteWriterTests
{
    private static readonly DaemonNote _note = new(
        "1.0", 42, DateTimeOffset.UnixEpoch, "n1", "/sys/fs/cgroup", "manifests in /m", SourceError: null, LastHeard: null, LastSync: null, SyncError: null, FailedDevices: 0, FailedNames: "", TellsLocalPods: true, LocalPods: "10.0.0.0/8", MasqueradesAll: false, PreservesClient: false, ServicePrefixes: "10.96.0.0/16", LoopbackNodePorts.None, Health: "0.0.0.0:10256", HealthError: null, WaitingSince: null);

    [Fact]
    public async Task A_note_is_written_when_it_changes_and_once_a_second_at_most()
    {
        var time = new FakeTimeProvider();
        var written = new ConcurrentQueue<string>();
        int looks = 0;
        var note = _note;
        using var writer = new NoteWriter(
            () =>
            {
                looks++;
                return note;
            },
            written.Enqueue,
            Task.CompletedTask,
            time,
            NullLogger.Instance);
        await writer.StartAsync(CancellationToken.None);
        await UntilAsync(() => !written.IsEmpty);
        Assert.Equal([_note.ToText()], written);

        note = _note with { SyncError = "ENOMEM" };
        time.Advance(TimeSpan.FromMilliseconds(900));
        Assert.Equal(1, looks);
        await LookAsync();
        await LookAsync();

        Assert.Equal([_note.ToText(), note.ToText()], written);
        await writer.StopAsync(CancellationToken.None);

        async Task LookAsync()
        {
            int before = looks;
            await UntilAsync(() =>
            {
                time.Advance(TimeSpan.FromMilliseconds(100));
                return looks > before;
            });
        }
    }

    [Fact]
    public async Task The_first_sync_is_told_at_once()
    {
        var written = new ConcurrentQueue<string>();
        var firstSync = new TaskCompletionSource();
        var note = _note;
        using var writer = new NoteWriter(() => note, written.Enqueue, firstSync.Task, new FakeTimeProvider(), NullLogger.Instance);
        await writer.StartAsync(CancellationToken.None);
        await UntilAsync(() => !written.IsEmpty);

        note = _note with { LastSync = DateTimeOffset.UnixEpoch };
        firstSync.SetResult();
        await UntilAsync(() => written.Count == 2);

        Assert.Equal([_note.ToText(), note.ToText()], written);
        await writer.StopAsync(CancellationToken.None);
    }

    [Fact]
    public async Task A_note_that_the_kernel_refuses_is_tried_again()
    {
        var time = new FakeTimeProvider();
        var written = new ConcurrentQueue<string>();
        int tries = 0;
        using var writer = new NoteWriter(() => _note, Write, Task.CompletedTask, time, NullLogger.Instance);

        await writer.StartAsync(CancellationToken.None);
        await UntilAsync(() =>
        {
            time.Advance(TimeSpan.FromMilliseconds(100));
            return !written.IsEmpty;
        });

        Assert.Equal((2, _note.ToText()), (tries, Assert.Single(written)));
        await writer.StopAsync(CancellationToken.None);

        void Write(string text)
        {
            if (++tries == 1)
            {
                throw new IOException("ENOMEM");
            }

            written.Enqueue(text);
        }
    }

    [Fact]
    public void What_a_daemon_leaves_is_read_back_and_what_another_version_leaves_is_none()
    {
        var note = _note with { LastSync = DateTimeOffset.UnixEpoch, SourceError = "services: refused" };

        Assert.Equal(note, DaemonNote.Parse(note.ToText()));
        Assert.Null(DaemonNote.Find(DaemonNote.Parse("""{"version":"0.1"}""")!.ServicePrefixes, Address.FromIPv4(0x0a600001)));
        Assert.Null(DaemonNote.Parse("something else"));
        Assert.Null(DaemonNote.Parse(null));
    }

    [Fact]
    public void The_longest_errors_fit_where_notes_are_left()
    {
        string error = new('"', 5000);
        string prefixes = string.Join(',', Enumerable.Repeat("fd00:1234:5678:9abc:def0:1234:5678:9abc/112", 16));
        string names = DaemonNote.NamesOf([.. Enumerable.Repeat(new string('"', 15), 100)]);

        Assert.InRange((_note with { SourceError = error, SyncError = error, FailedDevices = 100, FailedNames = names, ServicePrefixes = prefixes }).ToText().Length, 1, EbpfProxy.Datapath.View.DaemonNotes.MaxLength);
    }

    [Theory]
    [InlineData(0, "")]
    [InlineData(2, "eth0, eth1")]
    [InlineData(9, "eth0, eth1, eth2, eth3, eth4, eth5, eth6, eth7, ...")]
    public void Of_many_devices_some_are_named(int count, string names) =>
        Assert.Equal(names, DaemonNote.NamesOf([.. Enumerable.Range(0, count).Select(number => $"eth{number}")]));

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (!condition())
        {
            await Task.Delay(5, deadline.Token);
        }
    }
}
