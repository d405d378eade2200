namespace EbpfProxy.Datapath.Connections;

/// <summary>
/// Whether something may have happened since all connections were looked at that each has to be asked for, at a cost. Not
/// thread-safe.
/// </summary>
internal sealed class Lookout
{
    // The pass that is under way has left part of the table behind; the next one sees all of it.
    private const int Passes = 2;

    // What happened before this process is not known.
    private int _passesLeft = Passes;

    public bool IsOut => _passesLeft > 0;

    public void Begin() => _passesLeft = Passes;

    public void FinishPass() => _passesLeft = Math.Max(0, _passesLeft - 1);
}
