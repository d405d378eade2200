namespace LibBpfSharp;

/// <summary>What an update may do.</summary>
public enum BpfUpdateMode
{
    /// <summary>Put in a new element or replace the old one.</summary>
    Any = 0,

    /// <summary>Only put in a new element; EEXIST if there is one.</summary>
    NoExist = 1,

    /// <summary>Only replace an element; ENOENT if there is none.</summary>
    Exist = 2,
}
