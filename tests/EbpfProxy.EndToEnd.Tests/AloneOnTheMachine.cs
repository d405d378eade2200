namespace EbpfProxy.EndToEnd.Tests;

/// <summary>Tests that keep the machine's processors busy, or show nothing on a busy machine: they come after the others, one by one.</summary>
[CollectionDefinition(DisableParallelization = true)]
public sealed class AloneOnTheMachine;
