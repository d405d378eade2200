namespace EbpfProxy.Datapath.FastPath;

/// <summary>Whether packets of connections may go around the stack between two devices, and with it around netfilter.</summary>
public enum FastPathMode
{
    /// <summary>Where no rule and no program of others could decide on them.</summary>
    Auto,

    /// <summary>Always, whatever rules there are.</summary>
    On,

    /// <summary>Never.</summary>
    Off,
}

/// <summary>Which way the packets of new connections go.</summary>
/// <param name="IsOn">Whether they go around the stack.</param>
/// <param name="Reason">Why they do not, or do.</param>
public sealed record FastPathState(bool IsOn, string Reason);
