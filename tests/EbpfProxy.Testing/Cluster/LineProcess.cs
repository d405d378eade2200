using System.Diagnostics;

namespace EbpfProxy.Testing.Cluster;

/// <summary>A process that runs beside a test and talks in lines. It is killed when the test is done with it.</summary>
public sealed class LineProcess : IDisposable
{
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(30);

    private readonly Process _process;
    private readonly List<string> _lines = [];
    private int _next;
    private int _ended;

    public LineProcess(IEnumerable<string> command)
    {
        string[] words = [.. command];
        var start = new ProcessStartInfo(words[0], words[1..])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        _process = Process.Start(start) ?? throw new InvalidOperationException($"{words[0]} did not start");
        _process.OutputDataReceived += (_, line) => Add(line.Data);
        _process.ErrorDataReceived += (_, line) => Add(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>All lines so far, of both streams.</summary>
    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (_lines)
            {
                return [.. _lines];
            }
        }
    }

    private bool IsSilent => Volatile.Read(ref _ended) == 2;

    public void WriteLine(string line = "")
    {
        _process.StandardInput.WriteLine(line);
        _process.StandardInput.Flush();
    }

    public void CloseInput() => _process.StandardInput.Close();

    /// <summary>The next line that was not read yet; waits for it.</summary>
    public string ReadLine() => ReadLine(_ => true);

    /// <summary>The next line that was not read yet and fits; those before it are skipped.</summary>
    public string ReadLine(Func<string, bool> fits)
    {
        var clock = Stopwatch.StartNew();
        lock (_lines)
        {
            while (true)
            {
                while (_next < _lines.Count)
                {
                    string line = _lines[_next++];
                    if (fits(line))
                    {
                        return line;
                    }
                }

                if (IsSilent || clock.Elapsed > _deadline)
                {
                    throw new TimeoutException(
                        $"{(IsSilent ? "ended" : "said nothing that fits")}; its lines:\n{string.Join('\n', _lines)}");
                }

                Monitor.Wait(_lines, TimeSpan.FromSeconds(1));
            }
        }
    }

    /// <summary>Waits for the end, and for all lines. Returns the exit code.</summary>
    public int WaitForExit()
    {
        if (!_process.WaitForExit(_deadline))
        {
            throw new TimeoutException($"still running after {_deadline}; its lines:\n{string.Join('\n', Lines)}");
        }

        _process.WaitForExit();
        return _process.ExitCode;
    }

    /// <summary>Ends it as <c>kill -9</c> does.</summary>
    public void Kill()
    {
        _process.Kill();
        WaitForExit();
    }

    /// <summary>Lets it do nothing any more, though it is there.</summary>
    public void Suspend()
    {
        using var kill = Process.Start("kill", $"-STOP {_process.Id}");
        kill.WaitForExit();
    }

    /// <summary>Asks it to end, as a kubelet does. Returns the exit code.</summary>
    public int Terminate()
    {
        using var kill = Process.Start("kill", $"-TERM {_process.Id}");
        kill.WaitForExit();
        return WaitForExit();
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            Kill();
        }

        _process.Dispose();
    }

    private void Add(string? line)
    {
        lock (_lines)
        {
            if (line is null)
            {
                Interlocked.Increment(ref _ended);
            }
            else
            {
                _lines.Add(line);
            }

            Monitor.PulseAll(_lines);
        }
    }
}
