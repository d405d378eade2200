using System.Globalization;
using System.Text.Json;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace EbpfProxy.Controller.Manifests;

/// <summary>Writes a scalar of YAML as the JSON value that Kubernetes' own tools make of it.</summary>
internal static class YamlScalar
{
    private const string _tagPrefix = "tag:yaml.org,2002:";

    public static void Write(YamlScalarNode node, Utf8JsonWriter json)
    {
        string text = node.Value ?? "";
        string tag = node.Tag.IsEmpty ? "" : node.Tag.Value;
        bool isText = tag.Length > 0 ? tag == "!" || tag == _tagPrefix + "str" : node.Style != ScalarStyle.Plain;
        if (isText)
        {
            json.WriteStringValue(text);
            return;
        }

        switch (text)
        {
            case "" or "~" or "null" or "Null" or "NULL":
                json.WriteNullValue();
                break;
            case "true" or "True" or "TRUE":
                json.WriteBooleanValue(true);
                break;
            case "false" or "False" or "FALSE":
                json.WriteBooleanValue(false);
                break;
            default:
                WriteNumberOrText(text, json);
                break;
        }
    }

    private static void WriteNumberOrText(string text, Utf8JsonWriter json)
    {
        if (TryParseInteger(text, out long integer))
        {
            json.WriteNumberValue(integer);
        }
        else if (LooksLikeFloat(text)
            && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double real)
            && double.IsFinite(real))
        {
            json.WriteNumberValue(real);
        }
        else
        {
            json.WriteStringValue(text);
        }
    }

    /// <summary>Decimal, 0x, 0o, 0b, and a leading 0 for octal, as in YAML 1.1.</summary>
    private static bool TryParseInteger(string text, out long value)
    {
        value = 0;
        bool isNegative = text[0] == '-';
        string digits = text[0] is '-' or '+' ? text[1..] : text;
        if (digits.Length == 0 || !char.IsAsciiDigit(digits[0]))
        {
            return false;
        }

        (int radix, int skip) = digits switch
        {
            ['0', 'x', ..] => (16, 2),
            ['0', 'o', ..] => (8, 2),
            ['0', 'b', ..] => (2, 2),
            ['0', _, ..] => (8, 1),
            _ => (10, 0),
        };
        if (digits.Length == skip)
        {
            return false;
        }

        foreach (char c in digits.AsSpan(skip))
        {
            int digit = char.IsAsciiHexDigit(c) ? Convert.ToInt32(c.ToString(), 16) : radix;
            if (digit >= radix || value > (long.MaxValue - digit) / radix)
            {
                return false;
            }

            value = (value * radix) + digit;
        }

        value = isNegative ? -value : value;
        return true;
    }

    private static bool LooksLikeFloat(string text) =>
        text.All(c => char.IsAsciiDigit(c) || c is '.' or '-' or '+' or 'e' or 'E')
        && text.Any(char.IsAsciiDigit)
        && text[0] is not ('e' or 'E');
}
