namespace EbpfProxy.Controller.Tests;

/// <summary>Tests that keep the processors busy: they come after the others, one by one.</summary>
[CollectionDefinition(DisableParallelization = true)]
public sealed class AloneInTheProcess;
