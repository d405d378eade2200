using System.Runtime.InteropServices;

namespace LibBpfSharp;

/// <summary>
/// A log buffer for every program of an object about to be loaded. libbpf loads without a log first, and again with one if that
/// fails: the buffer that is not empty afterwards belongs to the program that was refused.
/// </summary>
internal readonly unsafe ref struct VerifierLogs
{
    // Kernels before 6.4 keep the beginning of a log that does not fit, and the reason stands at the end. Pages that the verifier
    // does not write cost nothing.
    private const nuint Size = 16 << 20;

    private readonly List<(BpfObjectProgram Program, nint Buffer)> _buffers = [];

    public VerifierLogs(IEnumerable<BpfObjectProgram> programs)
    {
        foreach (var program in programs.Where(program => program.AutoLoad))
        {
            byte* buffer = (byte*)NativeMemory.Alloc(Size);
            *buffer = 0;
            _buffers.Add((program, (nint)buffer));
            program.SetLog(buffer, Size);
        }
    }

    /// <summary>The verifier's refusal; null if the load failed elsewhere.</summary>
    public BpfVerifierException? Explain(int errno)
    {
        foreach (var (program, buffer) in _buffers)
        {
            string log = Marshal.PtrToStringUTF8(buffer) ?? "";
            if (log.Length > 0)
            {
                return new BpfVerifierException(program.Name, errno, log);
            }
        }

        return null;
    }

    public void Dispose()
    {
        foreach (var (_, buffer) in _buffers)
        {
            NativeMemory.Free((void*)buffer);
        }
    }
}
