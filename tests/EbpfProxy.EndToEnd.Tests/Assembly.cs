using Xunit.Sdk;
using Xunit.v3;

// Each test is alone on the machine: it counts connections, and two at once would share two processors.
[assembly: Parallelization(Mode = ParallelMode.None)]
