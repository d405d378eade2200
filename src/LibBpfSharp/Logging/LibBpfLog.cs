using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace LibBpfSharp;

/// <summary>
/// What libbpf itself has to say. It would print to standard error; here its warnings go into the exceptions that they explain,
/// and every line to a handler, if one is set.
/// </summary>
public static unsafe partial class LibBpfLog
{
    private static volatile Action<LibBpfLogLevel, string>? _handler;

    [ThreadStatic]
    private static List<string>? _warnings;

    static LibBpfLog() => libbpf_set_print(&Print);

    /// <summary>
    /// Sends every line of libbpf to <paramref name="handler"/>, or to nobody if it is null. The handler is called on the thread
    /// that called libbpf, in the middle of that call: it must be quick, and what it throws is lost.
    /// </summary>
    public static void SetHandler(Action<LibBpfLogLevel, string>? handler) => _handler = handler;

    /// <summary>Collects the warnings that libbpf gives on this thread until the capture is disposed.</summary>
    internal static Capture CaptureWarnings() => new();

    [LibraryImport("bpf")]
    private static partial nint libbpf_set_print(delegate* unmanaged[Cdecl]<int, byte*, nint, int> callback);

    // A va_list is handed over by address on every 64-bit architecture that Linux's BPF has a JIT for, and can be read once only.
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Print(int level, byte* format, nint arguments)
    {
        var handler = _handler;
        bool isWarning = level == (int)LibBpfLogLevel.Warning;
        if (handler is null && !(isWarning && _warnings is not null))
        {
            return 0;
        }

        byte* text = null;
        int length = LibC.vasprintf(&text, format, arguments);
        if (length < 0)
        {
            return 0;
        }

        try
        {
            string line = Marshal.PtrToStringUTF8((nint)text, length).TrimEnd();
            if (isWarning)
            {
                _warnings?.Add(line.StartsWith("libbpf: ", StringComparison.Ordinal) ? line["libbpf: ".Length..] : line);
            }

            handler?.Invoke((LibBpfLogLevel)level, line);
        }
#pragma warning disable CA1031 // An exception cannot cross libbpf's frames; losing a log line is the smaller harm.
        catch (Exception)
#pragma warning restore CA1031
        {
            return 0;
        }
        finally
        {
            LibC.free(text);
        }

        return length;
    }

    internal readonly ref struct Capture
    {
        private readonly List<string>? _outer;
        private readonly List<string> _lines = [];

        public Capture()
        {
            _outer = _warnings;
            _warnings = _lines;
        }

        /// <summary>What libbpf warned of, on one line.</summary>
        public string Text => string.Join("; ", _lines);

        public void Dispose() => _warnings = _outer;
    }
}
