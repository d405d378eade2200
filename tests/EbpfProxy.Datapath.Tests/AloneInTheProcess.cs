namespace EbpfProxy.Datapath.Tests;

/// <summary>Tests that look at the memory of the whole process: they come after the others, one by one.</summary>
[CollectionDefinition(DisableParallelization = true)]
public sealed class AloneInTheProcess;
