using PayoutManager.Thrift.Serialization;
using Thrift.Protocol;

namespace PayoutManager.Woody.Server;

/// <summary>A reply to a call.</summary>
/// <param name="Result">The generated struct of the method's result and declared exceptions, one of which is set.</param>
/// <param name="DeclaredException">The Thrift name of the declared exception that is set; null on success.</param>
/// <param name="Subject">What the call was about, where only its service tells; null where the arguments did.</param>
public sealed record WoodyReply(TBase Result, string? DeclaredException = null, string? Subject = null)
{
    /// <summary>Words that follow the declared exception's name in the header <c>woody.error-reason</c>; null for none.</summary>
    public string? Detail { get; init; }

    /// <summary>Headers that the response has besides woody's own.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; init; } = [];
}

/// <summary>A call whose arguments are read.</summary>
/// <param name="Subject">What it is about, as its arguments say; null where they do not.</param>
/// <param name="ServeAsync">Serves it.</param>
internal sealed record WoodyCall(string? Subject, Func<CancellationToken, Task<WoodyReply>> ServeAsync);

/// <summary>The methods of one Thrift service.</summary>
public sealed class WoodyService
{
    private readonly Dictionary<string, Func<ThriftMessage, WoodyCall>> _methods = [];

    /// <summary>Adds a method.</summary>
    /// <typeparam name="TArgs">The generated struct of its arguments.</typeparam>
    /// <param name="name">Its name in the IDL.</param>
    /// <param name="handler">
    /// Serves a call. The token is cancelled at the call's deadline. Throws for undeclared errors only, and
    /// <see cref="ThriftFormatException"/> where an argument is missing.
    /// </param>
    /// <param name="subject">What a call is about, by its arguments, for log and traces; null where they do not say.</param>
    public WoodyService Method<TArgs>(
        string name,
        Func<TArgs, CancellationToken, Task<WoodyReply>> handler,
        Func<TArgs, string?>? subject = null)
        where TArgs : TBase, new()
    {
        _methods.Add(name, message =>
        {
            var args = message.ReadBody<TArgs>();
            return new WoodyCall(subject?.Invoke(args), token => handler(args, token));
        });
        return this;
    }

    /// <summary>What makes a call out of a message to a method; null if there is no such method.</summary>
    internal Func<ThriftMessage, WoodyCall>? Find(string name) =>
        _methods.GetValueOrDefault(name);
}
