using Xunit.Sdk;
using Xunit.v3;

// Each test has nodes of its own and mostly waits for the kernel, so several go at once; see AloneOnTheMachine.
[assembly: Parallelization(Mode = ParallelMode.Collections, MaxThreads = 3)]
