namespace EbpfProxy.Datapath.Connections;

/// <summary>
/// Whether a frontend may have turned to another service since all connections were looked at. A flow of UDP goes on with a
/// backend that serves, whosever that is, so one that asks such a frontend has to be ended for it. Not thread-safe.
/// </summary>
internal sealed class FrontendTurns
{
    // The pass that is under way has left part of the table behind; the next one sees all of it.
    private const int Passes = 2;

    // What happened before this process is not known.
    private int _passesLeft = Passes;

    public bool AreLookedFor => _passesLeft > 0;

    public void Add() => _passesLeft = Passes;

    public void FinishPass() => _passesLeft = Math.Max(0, _passesLeft - 1);
}
