using System.CommandLine;
using System.CommandLine.Parsing;

namespace PayoutManager.Host.Commands;

/// <summary>What the program can be asked to do.</summary>
internal abstract class Verb(string name, string description) : Command(name, description)
{
    /// <summary>All codes with which it may end.</summary>
    public abstract IReadOnlyList<Exit> Exits { get; }

    /// <summary>Lines of a shell that show how it is called.</summary>
    public abstract string Examples { get; }

    /// <summary>What else its user has to know.</summary>
    public virtual string? Notes => null;

    /// <summary>
    /// What is wrong with options taken together. Not a validator of the command: where one finds something, the library does not look
    /// at single options any more.
    /// </summary>
    public virtual IEnumerable<string> Check(CommandResult command) => [];
}
