using static EbpfProxy.Options.SettingShape;

namespace EbpfProxy.Options;

/// <summary>kube-proxy's settings of its own process, and what it has left of earlier times.</summary>
internal static class ProcessSettings
{
    public static Setting OutOfMemory { get; } = new(
        "oom-score-adj",
        "oomScoreAdj",
        Integer,
        "how late the kernel ends this process for want of memory, from -1000 (never) to 1000",
        (o, v) => o with { OomScoreAdjustment = v.AsIntWithin(-1000, 1000, o.OomScoreAdjustment) })
    {
        Show = o => o.OomScoreAdjustment,
    };

    public static IReadOnlyList<Setting> All { get; } =
    [
        UnusedSetting.Create("config-sync-period", "configSyncPeriod", Duration, TimeSpan.FromMinutes(15), "nothing is listed again as long as it can be followed"),
        UnusedSetting.Create(null, "portRange", Text, "", "nothing in kube-proxy either"),
        UnusedSetting.Create(
            null, "windowsRunAsService", Switch, Setting.Omitted, "only on Windows", v => v.AsBool(otherwise: false) ? true : Setting.Omitted)
            with { Default = "false" },
        UnusedSetting.Create("boot-id-file", null, Text, "/proc/sys/kernel/random/boot_id", "it is not asked for"),
        UnusedSetting.Create("machine-id-file", null, Text, "/etc/machine-id,/var/lib/dbus/machine-id", "it is not asked for"),
    ];
}
