using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace PayoutManager.Bench.Load;

/// <summary>
/// A caller's connection. Bare, because the load takes its CPU from the same two cores as what it measures: an HTTP client
/// would cost as much as the call.
/// </summary>
internal sealed class Connection : IDisposable
{
    private static readonly byte[] EndOfHeaders = "\r\n\r\n"u8.ToArray();

    private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly byte[] _head;
    private readonly byte[] _received = new byte[1 << 16];

    private Connection(Uri url) => _head = Encoding.ASCII.GetBytes(
        $"POST {url.AbsolutePath} HTTP/1.1\r\nHost: {url.Authority}\r\nContent-Type: application/x-thrift\r\nAccept: application/x-thrift\r\n"
        + "woody.trace-id: bench0000000trace\r\nwoody.span-id: bench00000000span\r\nwoody.parent-id: undefined\r\nContent-Length: ");

    public static async Task<Connection> OpenAsync(Uri url)
    {
        var connection = new Connection(url);
        await connection._socket.ConnectAsync(url.Host, url.Port);
        return connection;
    }

    /// <summary>Makes a call.</summary>
    /// <exception cref="InvalidOperationException">It was not answered by success.</exception>
    public async Task CallAsync(byte[] message)
    {
        var length = Encoding.ASCII.GetBytes($"{message.Length}\r\n\r\n");
        var request = new byte[_head.Length + length.Length + message.Length];
        _head.CopyTo(request, 0);
        length.CopyTo(request, _head.Length);
        message.CopyTo(request, _head.Length + length.Length);
        await _socket.SendAsync(request);

        var (received, headers) = (0, -1);
        while (headers < 0)
        {
            received += await ReceiveAsync(received);
            headers = _received.AsSpan(0, received).IndexOf(EndOfHeaders);
        }

        var head = Encoding.ASCII.GetString(_received, 0, headers);
        var total = headers + EndOfHeaders.Length + ContentLengthOf(head);
        while (received < total)
            received += await ReceiveAsync(received);
        if (!head.StartsWith("HTTP/1.1 200", StringComparison.Ordinal) || head.Contains("error-class", StringComparison.OrdinalIgnoreCase))
            throw new InvalidOperationException($"The call was answered:\n{head}");
    }

    public void Dispose() => _socket.Dispose();

    private async ValueTask<int> ReceiveAsync(int at)
    {
        var read = await _socket.ReceiveAsync(_received.AsMemory(at));
        return read > 0 ? read : throw new InvalidOperationException("The connection was closed.");
    }

    private static int ContentLengthOf(string head)
    {
        const string name = "Content-Length: ";
        var at = head.IndexOf(name, StringComparison.OrdinalIgnoreCase) + name.Length;
        var end = head.IndexOf('\r', at);
        return int.Parse(head.AsSpan(at, (end < 0 ? head.Length : end) - at), NumberStyles.None, CultureInfo.InvariantCulture);
    }
}
