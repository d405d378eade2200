namespace EbpfProxy.Options;

/// <summary>The form that a field has in a configuration file; a flag is always text.</summary>
internal enum SettingShape
{
    Text,
    Switch,
    Integer,
    Number,

    /// <summary>Text as Go writes durations.</summary>
    Duration,

    /// <summary>A duration, or a number of nanoseconds.</summary>
    LooseDuration,

    /// <summary>An amount of bytes: a number, or text with a unit.</summary>
    Quantity,
    List,

    /// <summary>Names, each with true or false; a flag has them as <c>name=true</c>.</summary>
    Gates,

    /// <summary>Patterns of files, each with a verbosity; a flag has them as <c>pattern=2</c>.</summary>
    FileLevels,
}
