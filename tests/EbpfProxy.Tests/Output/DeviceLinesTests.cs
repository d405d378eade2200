using EbpfProxy.Output;

namespace EbpfProxy.Tests.Output;

public sealed class DeviceLinesTests
{
    [Fact]
    public void Devices_of_a_kind_that_are_alike_are_told_as_one() => Assert.Equal(
        ["eth0 ingress: tcx first, before cni", "eth0 egress: tcx first", "200 veth ingress: tcx first", "200 veth egress: tcx first"],
        DeviceLines.Of([Hook("eth0", "", "ingress", after: "cni"), Hook("eth0", "", "egress"), .. Pairs("veth", 200)], isWide: false));

    [Fact]
    public void What_is_otherwise_than_most_of_its_kind_is_named()
    {
        DeviceHookJson[] hooks =
        [
            .. Pairs("veth", 50), Hook("torn", "veth", "ingress"), Hook("late", "veth", "ingress", place: "tcx 2 of 2", before: "cni"), Hook("late", "veth", "egress"),
        ];

        Assert.Equal(
            ["50 veth ingress: tcx first", "50 veth egress: tcx first", "torn ingress: tcx first", "late ingress: tcx 2 of 2, after cni", "late egress: tcx first"],
            DeviceLines.Of(hooks, isWide: false));
    }

    [Fact]
    public void Of_many_that_are_otherwise_some_are_named()
    {
        DeviceHookJson[] hooks = [.. Pairs("veth", 50), .. Enumerable.Range(0, 9).Select(number => Hook($"torn{number}", "veth", "ingress"))];

        Assert.Equal("9 veth (torn0, torn1, torn2, ...) ingress: tcx first", DeviceLines.Of(hooks, isWide: false).Last());
    }

    [Fact]
    public void A_few_are_told_one_by_one_and_with_wide_all_are()
    {
        Assert.Equal(["veth0 ingress: tcx first", "veth0 egress: tcx first", "veth1 ingress: tcx first", "veth1 egress: tcx first"], DeviceLines.Of([.. Pairs("veth", 2)], isWide: false));
        Assert.Equal(400, DeviceLines.Of([.. Pairs("veth", 200)], isWide: true).Count());
    }

    private static IEnumerable<DeviceHookJson> Pairs(string kind, int count) =>
        Enumerable.Range(0, count).SelectMany(number => new[] { Hook($"{kind}{number}", kind, "ingress"), Hook($"{kind}{number}", kind, "egress") });

    private static DeviceHookJson Hook(string device, string kind, string direction, string place = "tcx first", string? before = null, string? after = null) =>
        new(device, kind, direction, place, before is null ? [] : [before], after is null ? [] : [after]);
}
