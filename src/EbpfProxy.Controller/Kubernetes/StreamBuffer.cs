using System.Buffers;

namespace EbpfProxy.Controller.Kubernetes;

/// <summary>
/// What was read of a stream and not yet used, in one piece. Grows with what has to be seen at once, up to a limit, and
/// shrinks again when it is empty.
/// </summary>
internal sealed class StreamBuffer(Stream stream, int size, int limit) : IDisposable
{
    private byte[] _bytes = ArrayPool<byte>.Shared.Rent(size);
    private int _start;
    private int _end;

    public ReadOnlySpan<byte> Unread => _bytes.AsSpan(_start, _end - _start);

    /// <summary>Whether the stream has ended; there may be unread bytes left.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>Whether there are as many unread bytes as there may be.</summary>
    public bool IsFull => _end - _start >= limit;

    public void Consume(int count)
    {
        _start += count;
        if (_start == _end)
        {
            _start = _end = 0;
            if (_bytes.Length > 4 * size)
            {
                Replace(size);
            }
        }
    }

    /// <summary>Reads until there are that many unread bytes, or the limit is reached, or the stream ends.</summary>
    public async ValueTask FillAsync(int count, CancellationToken token)
    {
        count = Math.Min(count, limit);
        while (_end - _start < count && !HasEnded)
        {
            MakeRoom(count);
            int read = await stream.ReadAsync(_bytes.AsMemory(_end), token);
            _end += read;
            HasEnded = read == 0;
        }
    }

    public void Dispose()
    {
        byte[] bytes = _bytes;
        _bytes = [];
        if (bytes.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    private void MakeRoom(int count)
    {
        if (_start > 0 && _bytes.Length - _start < count)
        {
            Unread.CopyTo(_bytes);
            _end -= _start;
            _start = 0;
        }

        if (_bytes.Length - _start < count || _end == _bytes.Length)
        {
            Replace(Math.Max(count, _bytes.Length * 2));
        }
    }

    private void Replace(int length)
    {
        byte[] bytes = ArrayPool<byte>.Shared.Rent(length);
        Unread.CopyTo(bytes);
        _end -= _start;
        _start = 0;
        ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = bytes;
    }
}
