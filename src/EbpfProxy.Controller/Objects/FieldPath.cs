namespace EbpfProxy.Controller.Objects;

/// <summary>
/// The path of a field, as in "endpoints[3].addresses[0]". Put into words only when something is wrong with the field.
/// </summary>
internal readonly record struct FieldPath(string Field, int Index = -1, string Inner = "", int InnerIndex = -1)
{
    public static implicit operator FieldPath(string field) => new(field);

    public override string ToString()
    {
        string outer = Index < 0 ? Field : $"{Field}[{Index}]";
        if (Inner.Length == 0)
        {
            return outer;
        }

        return InnerIndex < 0 ? $"{outer}.{Inner}" : $"{outer}.{Inner}[{InnerIndex}]";
    }
}
