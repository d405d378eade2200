using EbpfProxy.Model.Endpoints;

namespace EbpfProxy.Model.Tables;

/// <summary>What each class of traffic gets, by the policies and what the sets hold.</summary>
internal static class VerdictRules
{
    public static TrafficVerdicts For(TrafficPolicies policies, EndpointSelection selection)
    {
        if (!selection.HasAny)
        {
            return new TrafficVerdicts(Verdict.Refuse, Verdict.Refuse, Verdict.Refuse);
        }

        var local = selection.LocalCount > 0 ? Verdict.Local : Verdict.Drop;
        var @internal = policies.IsInternalLocal ? local : Verdict.Cluster;
        if (!policies.IsExternallyAccessible)
        {
            // There may be no cluster set, and no frontend leads here.
            return new TrafficVerdicts(@internal, Verdict.Refuse, Verdict.Refuse);
        }

        // From near, a policy Local has no meaning: the traffic is in the cluster already.
        return new TrafficVerdicts(@internal, policies.IsExternalLocal ? local : Verdict.Cluster, Verdict.Cluster);
    }
}
