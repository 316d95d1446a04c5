namespace PayoutManager.Thrift.Serialization;

/// <summary>Bytes are not what they should be in Thrift's strict binary protocol.</summary>
/// <param name="message">What is wrong.</param>
/// <param name="cause">What the reader broke on.</param>
public sealed class ThriftFormatException(string message, Exception? cause = null) : FormatException(message, cause);
