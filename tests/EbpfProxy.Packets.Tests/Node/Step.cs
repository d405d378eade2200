using EbpfProxy.Datapath.View;
using EbpfProxy.Testing.Packets;

namespace EbpfProxy.Packets.Tests.Node;

/// <summary>What a program returns.</summary>
internal enum HookVerdict
{
    /// <summary>To the next program, and the stack.</summary>
    GoOn = -1,

    /// <summary>To the stack.</summary>
    Accept = 0,

    Drop = 2,

    Redirect = 7,
}

/// <summary>What one hook did to one packet.</summary>
/// <param name="Verdict">What becomes of it.</param>
/// <param name="Bytes">The packet afterwards.</param>
/// <param name="Counted">The counters that went up.</param>
/// <param name="HasLink">Whether it begins with an Ethernet header.</param>
internal sealed record Step(HookVerdict Verdict, byte[] Bytes, IReadOnlyDictionary<Reason, ulong> Counted, bool HasLink)
{
    public Frame Frame => HasLink ? Frame.FromEthernet(Bytes) : Frame.FromBytes(Bytes);

    /// <summary>The packet goes on as <paramref name="expected"/>, to the byte.</summary>
    public Step GoesOnAs(Packet expected) => Gives(HookVerdict.GoOn, expected);

    public Step IsSentAs(Packet expected) => Gives(HookVerdict.Redirect, expected);

    public Step IsAcceptedAs(Packet expected) => Gives(HookVerdict.Accept, expected);

    public Step IsDropped(params Reason[] reasons)
    {
        Assert.True(Verdict == HookVerdict.Drop, ToString());
        return Counts(reasons);
    }

    /// <summary>Exactly these counters went up, by one each.</summary>
    public Step Counts(params Reason[] reasons)
    {
        Assert.Equal(
            string.Join(' ', reasons.Order().Select(reason => $"{reason} 1")),
            string.Join(' ', Counted.OrderBy(each => each.Key).Select(each => $"{each.Key} {each.Value}")));
        return this;
    }

    public override string ToString() => $"{Verdict} {Frame} ({string.Join(' ', Counted.Select(each => $"{each.Key} {each.Value}"))})";

    private Step Gives(HookVerdict verdict, Packet expected)
    {
        Assert.True(Verdict == verdict, $"{verdict} {expected} expected, but was {this}");
        string? difference = Frame.Difference(
            HasLink ? Frame.FromEthernet(expected.ToFrame()) : Frame.FromBytes(expected.ToBytes()), Frame);
        Assert.True(difference is null, difference);
        return this;
    }
}
