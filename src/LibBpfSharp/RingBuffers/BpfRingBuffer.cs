using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace LibBpfSharp;

/// <summary>Receives one record of a ring buffer. The bytes are the kernel's, and are gone when the call returns.</summary>
public delegate void BpfRecordHandler(ReadOnlySpan<byte> record);

/// <summary>
/// Reads the records that programs put into a ring buffer map. Disposing it stops the reading; programs go on writing until the
/// buffer is full, and then lose records.
/// </summary>
/// <remarks>Not thread-safe.</remarks>
public sealed unsafe class BpfRingBuffer : SafeHandleZeroOrMinusOneIsInvalid
{
    private readonly BpfRecordHandler _handler;
    private readonly string _name;
    private GCHandle _self;
    private ExceptionDispatchInfo? _failure;

    /// <summary>Opens a ring buffer for reading.</summary>
    /// <param name="map">A map of type <see cref="BpfMapType.RingBuffer"/>; it can be disposed afterwards.</param>
    /// <param name="handler">Receives the records, during <see cref="Poll"/> and <see cref="Consume"/>, on the caller's thread.</param>
    /// <exception cref="BpfException">For example EINVAL: the map is not a ring buffer.</exception>
    public BpfRingBuffer(BpfMap map, BpfRecordHandler handler)
        : base(ownsHandle: true)
    {
        ArgumentNullException.ThrowIfNull(map);
        ArgumentNullException.ThrowIfNull(handler);
        _handler = handler;
        _name = map.Name;
        _self = GCHandle.Alloc(this, GCHandleType.Weak);
        using var lease = new HandleLease(map);
        using var warnings = LibBpfLog.CaptureWarnings();
        var native = LibBpf.ring_buffer__new(lease.Descriptor, &Receive, (void*)GCHandle.ToIntPtr(_self), null);
        int errno = BpfException.LastError();
        if (native == null)
        {
            _self.Free();
            throw new BpfException("open ring buffer", _name, errno, details: warnings.Text);
        }

        SetHandle((nint)native);
    }

    /// <summary>Hands out the records that are there, waiting for the first one for at most <paramref name="timeout"/>. Returns how many.</summary>
    /// <exception cref="BpfException">Reading failed.</exception>
    public int Poll(TimeSpan timeout)
    {
        using var lease = new HandleLease(this);
        return Finish(LibBpf.ring_buffer__poll((ring_buffer*)lease.Pointer, (int)timeout.TotalMilliseconds), "poll ring buffer");
    }

    /// <summary>Hands out the records that are there, without waiting. Returns how many.</summary>
    /// <exception cref="BpfException">Reading failed.</exception>
    public int Consume()
    {
        using var lease = new HandleLease(this);
        return Finish(LibBpf.ring_buffer__consume((ring_buffer*)lease.Pointer), "read ring buffer");
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle()
    {
        LibBpf.ring_buffer__free((ring_buffer*)handle);
        _self.Free();
        return true;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Receive(void* context, void* data, nuint size)
    {
        if (GCHandle.FromIntPtr((nint)context).Target is not BpfRingBuffer buffer)
        {
            return -LibC.EINVAL;
        }

        try
        {
            buffer._handler(new ReadOnlySpan<byte>(data, (int)size));
            return 0;
        }
#pragma warning disable CA1031 // An exception cannot cross libbpf's frames: it is kept, and thrown once they are left.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            buffer._failure = ExceptionDispatchInfo.Capture(exception);
            return -LibC.EINVAL;
        }
    }

    private int Finish(int result, string operation)
    {
        if (_failure is { } failure)
        {
            _failure = null;
            failure.Throw();
        }

        // A signal ends the wait early, which is no error.
        if (result == -LibC.EINTR)
        {
            return 0;
        }

        BpfException.ThrowIfFailed(result, operation, _name);
        return result;
    }
}
