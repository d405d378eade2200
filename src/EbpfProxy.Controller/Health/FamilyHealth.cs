namespace EbpfProxy.Controller.Health;

/// <summary>How the tables of one family do.</summary>
/// <param name="Updated">When they were last brought up to date.</param>
/// <param name="IsHealthy">Whether nothing has waited too long.</param>
public readonly record struct FamilyHealth(DateTimeOffset Updated, bool IsHealthy);
