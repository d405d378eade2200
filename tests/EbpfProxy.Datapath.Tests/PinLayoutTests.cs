namespace EbpfProxy.Datapath.Tests;

public sealed class PinLayoutTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("pins").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Tables_in_use_are_those_of_the_highest_version()
    {
        Array.ForEach(["tables-v2", "tables-v10", "tables-v9"], name => Directory.CreateDirectory(Path.Combine(_folder, name)));

        Assert.Equal(Path.Combine(_folder, "tables-v10"), PinLayout.FindTables(_folder));
    }

    [Fact]
    public void Tables_in_use_are_those_that_the_note_names_while_another_build_has_its_own_beside_them()
    {
        Array.ForEach(["tables-v2", "tables-v1"], name => Directory.CreateDirectory(Path.Combine(_folder, name)));
        File.CreateSymbolicLink(Path.Combine(_folder, "in-use"), "tables-v1 sockets-v1 connections-v2");

        Assert.Equal(Path.Combine(_folder, "tables-v1"), PinLayout.FindTables(_folder));
    }
}
