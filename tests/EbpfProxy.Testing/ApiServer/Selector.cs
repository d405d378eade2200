using System.Text.Json.Nodes;

namespace EbpfProxy.Testing.ApiServer;

/// <summary>Label and field selectors: "key", "!key", "key=value", "key!=value", with commas.</summary>
internal sealed class Selector(string? labels, string? fields)
{
    public bool Matches(JsonObject item) =>
        Terms(labels).All(term => MatchesLabel(item, term)) && Terms(fields).All(term => MatchesField(item, term));

    private static string[] Terms(string? selector) => selector?.Split(',', StringSplitOptions.RemoveEmptyEntries) ?? [];

    private static bool MatchesLabel(JsonObject item, string term)
    {
        var labels = item["metadata"]?["labels"] as JsonObject;
        string? Value(string key) => labels?.TryGetPropertyValue(key, out var value) == true ? value?.ToString() ?? "" : null;
        return term[0] == '!' ? Value(term[1..]) is null
            : Split(term) is { } pair ? (Value(pair.Key) == pair.Value) == pair.IsEqual
            : Value(term) is not null;
    }

    private static bool MatchesField(JsonObject item, string term)
    {
        var pair = Split(term) ?? throw new FormatException(term);
        JsonNode? node = item;
        foreach (string part in pair.Key.Split('.'))
        {
            node = (node as JsonObject)?[part];
        }

        return ((node?.ToString() ?? "") == pair.Value) == pair.IsEqual;
    }

    private static (string Key, string Value, bool IsEqual)? Split(string term)
    {
        int at = term.IndexOf('=', StringComparison.Ordinal);
        if (at < 0)
        {
            return null;
        }

        bool isEqual = term[at - 1] != '!';
        return (term[..(isEqual ? at : at - 1)], term[(at + 1)..].TrimStart('='), isEqual);
    }
}
