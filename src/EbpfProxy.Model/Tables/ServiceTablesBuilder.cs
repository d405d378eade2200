namespace EbpfProxy.Model.Tables;

/// <summary>Makes the tables of a service.</summary>
public static class ServiceTablesBuilder
{
}
