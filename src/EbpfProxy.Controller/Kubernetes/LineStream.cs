namespace EbpfProxy.Controller.Kubernetes;

/// <summary>Reads a watch line by line. A line that is too long is passed over, whatever its length, in bounded memory.</summary>
internal sealed class LineStream(StreamBuffer buffer, int limit)
{
    private int _searched;
    private int _lineEnd = -1;

    /// <summary>The line that <see cref="NextAsync"/> found; of one that is too long, its head.</summary>
    public ReadOnlySpan<byte> Line => _lineEnd < 0 ? buffer.Unread : buffer.Unread[.._lineEnd];

    /// <summary>Whether the line is too long, so that <see cref="Line"/> is only its head.</summary>
    public bool IsTooLong { get; private set; }

    /// <summary>Goes to the next line; false at the end of the stream. What stands after the last line feed is no line.</summary>
    public async ValueTask<bool> NextAsync(CancellationToken token)
    {
        if (IsTooLong && !await PassRestAsync(token))
        {
            return false;
        }

        if (_lineEnd >= 0)
        {
            buffer.Consume(_lineEnd + 1);
        }

        _searched = 0;
        while (true)
        {
            int end = buffer.Unread[_searched..].IndexOf((byte)'\n');
            if (end >= 0)
            {
                IsTooLong = _searched + end > limit;
                _lineEnd = IsTooLong ? -1 : _searched + end;
                return true;
            }

            _lineEnd = -1;
            _searched = buffer.Unread.Length;
            if (buffer.IsFull)
            {
                IsTooLong = true;
                return true;
            }

            if (buffer.HasEnded)
            {
                return false;
            }

            await buffer.FillAsync(_searched + 1, token);
        }
    }

    private async ValueTask<bool> PassRestAsync(CancellationToken token)
    {
        IsTooLong = false;
        while (true)
        {
            int end = buffer.Unread.IndexOf((byte)'\n');
            if (end >= 0)
            {
                buffer.Consume(end + 1);
                _lineEnd = -1;
                return true;
            }

            buffer.Consume(buffer.Unread.Length);
            if (buffer.HasEnded)
            {
                return false;
            }

            await buffer.FillAsync(1, token);
        }
    }
}
