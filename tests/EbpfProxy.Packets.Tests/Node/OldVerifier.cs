using System.Globalization;
using LibBpfSharp;

namespace EbpfProxy.Packets.Tests.Node;

/// <summary>
/// Two rules of the verifier of Linux 5.10 that newer ones relaxed (kernel/bpf/verifier.c, check_cfg and check_max_stack_depth),
/// so that a change which only an old kernel would refuse is seen before one is booted.
/// </summary>
internal sealed class OldVerifier
{
    /// <summary>What all functions that are called at a time may have on the stack, in bytes.</summary>
    public const int StackSize = 512;

    private const int FrameUnit = 32;
    private const int FramePointer = 10;
    private const int CallOfFunction = 1;
    private const byte AddImmediate = 0x07;
    private const byte Move = 0xbf;

    private readonly BpfInstruction[] _program;
    private readonly int[] _functions;

    public OldVerifier(BpfInstruction[] program)
    {
        _program = program;
        _functions = [.. Enumerable.Range(0, program.Length).Where(IsCallOfFunction).Select(Callee).Append(0).Distinct().Order()];
    }

    private enum Visit : byte
    {
        None,
        Begun,
        Done,
    }

    /// <summary>
    /// The first step back that no jump makes, in words; null where there is none. A loop is fine that is entered at its head and
    /// left to it by a jump; one that runs into its head from above, when that was entered by a jump, is not.
    /// </summary>
    public string? FindIrregularLoop()
    {
        var visits = new Visit[_program.Length];
        var path = new Stack<(int At, int Next)>();
        path.Push((0, 0));
        visits[0] = Visit.Begun;
        while (path.TryPop(out var step))
        {
            if (step.Next == SuccessorsOf(step.At).Length)
            {
                visits[step.At] = Visit.Done;
                continue;
            }

            var (to, isJump) = SuccessorsOf(step.At)[step.Next];
            path.Push((step.At, step.Next + 1));
            if (visits[to] == Visit.None)
            {
                visits[to] = Visit.Begun;
                path.Push((to, 0));
            }
            else if (visits[to] == Visit.Begun && !isJump)
            {
                int function = _functions.Last(start => start <= step.At);
                return string.Create(
                    CultureInfo.InvariantCulture,
                    $"from {step.At} to {to}, in the function at {function} as loaded: {step.At - function} of the function");
            }
        }

        return null;
    }

    /// <summary>What the functions that are called at a time have on the stack at most, in bytes.</summary>
    public int MeasureStack() => DepthFrom(0, []);

    private static bool IsJump(BpfInstruction instruction) => (instruction.Code & 0x07) is 0x05 or 0x06;

    private static int Operation(BpfInstruction instruction) => instruction.Code & 0xf0;

    private bool IsCall(int at) => IsJump(_program[at]) && Operation(_program[at]) == 0x80;

    private bool IsCallOfFunction(int at) => IsCall(at) && _program[at].Source == CallOfFunction;

    private int Callee(int at) => at + 1 + _program[at].Immediate;

    private (int To, bool IsJump)[] SuccessorsOf(int at)
    {
        var instruction = _program[at];
        if (!IsJump(instruction))
        {
            return [(at + 1, false)];
        }

        int target = at + 1 + instruction.Offset;
        return Operation(instruction) switch
        {
            0x00 => [(target, true)],
            0x80 => IsCallOfFunction(at) ? [(at + 1, false), (Callee(at), false)] : [(at + 1, false)],
            0x90 => [],
            _ => [(at + 1, true), (target, true)],
        };
    }

    private int DepthFrom(int function, Dictionary<int, int> known)
    {
        if (known.TryGetValue(function, out int depth))
        {
            return depth;
        }

        int end = _functions.FirstOrDefault(start => start > function, _program.Length);
        var callees = Enumerable.Range(function, end - function).Where(IsCallOfFunction).Select(Callee).Distinct();
        int below = callees.Select(callee => DepthFrom(callee, known)).DefaultIfEmpty(0).Max();
        int units = Math.Max(1, (FrameOf(function, end) + FrameUnit - 1) / FrameUnit);
        return known[function] = below + (units * FrameUnit);
    }

    /// <summary>How far below the frame pointer a function reads or writes, or points to what it tells others.</summary>
    private int FrameOf(int function, int end)
    {
        int lowest = 0;
        var copies = new HashSet<int>();
        foreach (var instruction in _program.AsSpan(function, end - function))
        {
            int pointer = (instruction.Code & 0x07) switch
            {
                0x01 => instruction.Source,
                0x02 or 0x03 => instruction.Destination,
                _ => 0,
            };
            if (pointer == FramePointer)
            {
                lowest = Math.Min(lowest, instruction.Offset);
            }

            if (instruction.Code == AddImmediate && copies.Remove(instruction.Destination))
            {
                lowest = Math.Min(lowest, instruction.Immediate);
            }

            if (instruction is { Code: Move, Source: FramePointer })
            {
                copies.Add(instruction.Destination);
            }
        }

        return -lowest;
    }
}
