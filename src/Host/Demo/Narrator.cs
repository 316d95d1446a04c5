namespace PayoutManager.Host.Demo;

/// <summary>Prints a story, and remembers whether all of it was as it must be.</summary>
internal sealed class Narrator(TextWriter output)
{
    private int _chapter;
    private int _right;
    private int _wrong;

    public void Title(string title) => output.WriteLine($"\n{++_chapter}. {title}");

    public void Line(string text) => output.WriteLine($"     {text}");

    public void Expect(bool isSo, string claim)
    {
        if (isSo)
            _right++;
        else
            _wrong++;
        output.WriteLine($"  {(isSo ? "✓" : "✗ NOT SO:")}  {claim}");
    }

    /// <returns>The exit code.</returns>
    public int Conclude()
    {
        output.WriteLine(_wrong == 0 ? $"\nAll {_right} claims hold.\n" : $"\n{_wrong} of {_right + _wrong} claims do not hold.\n");
        return _wrong == 0 ? 0 : 1;
    }
}
