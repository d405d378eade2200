namespace EbpfProxy.Controller.Kubernetes;

/// <summary>What can go wrong with a list or watch.</summary>
public enum WatchErrorKind : byte
{
    /// <summary>No server could be reached, or none that is trusted.</summary>
    Connection,

    /// <summary>The server did not answer or end in time.</summary>
    Timeout,

    /// <summary>The server answered with an error.</summary>
    Status,

    /// <summary>The version to go on from is not known to the server.</summary>
    Expired,

    /// <summary>The answer broke off, or made no sense as a whole.</summary>
    Stream,

    /// <summary>The watch ended as soon as it had begun.</summary>
    Ended,

    /// <summary>One event was too long or made no sense; the watch went on.</summary>
    Event,
}
