using PayoutManager.Thrift.Serialization;
using Thrift.Protocol;

namespace PayoutManager.Woody.Server;

/// <summary>A reply to a call.</summary>
/// <param name="Result">The generated struct of the method's result and declared exceptions, one of which is set.</param>
/// <param name="DeclaredException">The Thrift name of the declared exception that is set; null on success.</param>
public sealed record WoodyReply(TBase Result, string? DeclaredException = null);

/// <summary>The methods of one Thrift service.</summary>
public sealed class WoodyService
{
    private readonly Dictionary<string, Func<ThriftMessage, Func<CancellationToken, Task<WoodyReply>>>> _methods = [];

    /// <summary>Adds a method.</summary>
    /// <typeparam name="TArgs">The generated struct of its arguments.</typeparam>
    /// <param name="name">Its name in the IDL.</param>
    /// <param name="handler">
    /// Serves a call. The token is cancelled at the call's deadline. Throws for undeclared errors only, and
    /// <see cref="ThriftFormatException"/> where an argument is missing.
    /// </param>
    public WoodyService Method<TArgs>(string name, Func<TArgs, CancellationToken, Task<WoodyReply>> handler)
        where TArgs : TBase, new()
    {
        _methods.Add(name, message =>
        {
            var args = message.ReadBody<TArgs>();
            return token => handler(args, token);
        });
        return this;
    }

    /// <summary>What makes a call out of a message to a method; null if there is no such method.</summary>
    internal Func<ThriftMessage, Func<CancellationToken, Task<WoodyReply>>>? Find(string name) =>
        _methods.GetValueOrDefault(name);
}
