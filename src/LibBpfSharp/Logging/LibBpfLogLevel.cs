namespace LibBpfSharp;

/// <summary>How much a line of libbpf's log matters.</summary>
public enum LibBpfLogLevel
{
    /// <summary>Something failed.</summary>
    Warning = 0,

    /// <summary>Something worth knowing.</summary>
    Information = 1,

    /// <summary>What libbpf does, step by step.</summary>
    Debug = 2,
}
