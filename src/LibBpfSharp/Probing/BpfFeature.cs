namespace LibBpfSharp;

/// <summary>Whether this kernel has something.</summary>
public enum BpfFeature
{
    /// <summary>It could not be tried, for example for lack of permission.</summary>
    Unknown,

    /// <summary>It has.</summary>
    Available,

    /// <summary>It has not.</summary>
    NotSupported,
}
