using System.Numerics;

namespace EbpfProxy.Model.Network;

/// <summary>Reads addresses from UTF-8 and from UTF-16, without allocation.</summary>
internal static class AddressParser
{
    private const int Groups = 8;

    public static bool TryParse<TChar>(ReadOnlySpan<TChar> text, out Address address)
        where TChar : unmanaged, IBinaryInteger<TChar>
    {
        if (text.Contains(TChar.CreateTruncating(':')))
        {
            return TryParseIPv6(text, out address);
        }

        bool isValid = TryParseIPv4(text, out uint bits);
        address = isValid ? Address.FromIPv4(bits) : default;
        return isValid;
    }

    /// <summary>Reads a decimal number of any length up to <paramref name="max"/>; leading zeros mean nothing.</summary>
    public static bool TryParseDecimal<TChar>(ReadOnlySpan<TChar> text, uint max, out uint number)
        where TChar : unmanaged, IBinaryInteger<TChar>
    {
        number = 0;
        foreach (var character in text)
        {
            uint digit = uint.CreateTruncating(character) - '0';
            if (digit > 9 || (number = (number * 10) + digit) > max)
            {
                return false;
            }
        }

        return text.Length > 0;
    }

    private static bool TryParseIPv4<TChar>(ReadOnlySpan<TChar> text, out uint bits)
        where TChar : unmanaged, IBinaryInteger<TChar>
    {
        bits = 0;
        for (int i = 0; i < 4; i++)
        {
            int end = i < 3 ? text.IndexOf(TChar.CreateTruncating('.')) : text.Length;
            if (end < 0 || !TryParseDecimal(text[..end], byte.MaxValue, out uint number))
            {
                return false;
            }

            bits = (bits << 8) | number;
            text = i < 3 ? text[(end + 1)..] : [];
        }

        return true;
    }

    private static bool TryParseIPv6<TChar>(ReadOnlySpan<TChar> text, out Address address)
        where TChar : unmanaged, IBinaryInteger<TChar>
    {
        address = default;
        var colon = TChar.CreateTruncating(':');
        int gap = text.IndexOf([colon, colon]);
        if (gap < 0)
        {
            bool isWhole = TryParseGroups(text, mayEndInIPv4: true, out var bits, out int count) && count == Groups;
            address = isWhole ? new Address(bits) : default;
            return isWhole;
        }

        if (!TryParseGroups(text[..gap], mayEndInIPv4: false, out var head, out int headCount)
            || !TryParseGroups(text[(gap + 2)..], mayEndInIPv4: true, out var tail, out int tailCount)
            || headCount + tailCount >= Groups)
        {
            return false;
        }

        address = new Address((headCount == 0 ? 0 : head << (16 * (Groups - headCount))) | tail);
        return true;
    }

    /// <summary>Reads groups between single colons; no text is no group.</summary>
    private static bool TryParseGroups<TChar>(ReadOnlySpan<TChar> text, bool mayEndInIPv4, out UInt128 bits, out int count)
        where TChar : unmanaged, IBinaryInteger<TChar>
    {
        bits = 0;
        count = 0;
        bool isLast = text.IsEmpty;
        while (!isLast)
        {
            int end = text.IndexOf(TChar.CreateTruncating(':'));
            isLast = end < 0;
            var group = isLast ? text : text[..end];
            if (isLast && mayEndInIPv4 && TryParseIPv4(group, out uint ipv4))
            {
                bits = (bits << 32) | ipv4;
                count += 2;
            }
            else if (TryParseGroup(group, out uint number))
            {
                bits = (bits << 16) | number;
                count++;
            }
            else
            {
                return false;
            }

            text = isLast ? [] : text[(end + 1)..];
        }

        return count <= Groups;
    }

    private static bool TryParseGroup<TChar>(ReadOnlySpan<TChar> text, out uint number)
        where TChar : unmanaged, IBinaryInteger<TChar>
    {
        number = 0;
        foreach (var character in text)
        {
            uint code = uint.CreateTruncating(character);
            uint letter = (code | 0x20) - 'a';
            uint digit = code - '0' <= 9 ? code - '0' : letter <= 5 ? letter + 10 : 16;
            if (digit == 16)
            {
                return false;
            }

            number = (number << 4) | digit;
        }

        return text.Length is > 0 and <= 4;
    }
}
