using System.Collections;
using System.Diagnostics.CodeAnalysis;

namespace PayoutManager.Infrastructure.PartyManagement;

/// <summary>A view of a dictionary whose values are converted when they are looked at, each by itself.</summary>
/// <param name="source">The values before conversion.</param>
/// <param name="convert">Converts the value of a key; what it throws reaches whoever looks at that value.</param>
internal sealed class ConvertedDictionary<TSource, TValue>(
    IReadOnlyDictionary<string, TSource> source, Func<string, TSource, TValue> convert) : IReadOnlyDictionary<string, TValue>
{
    public int Count => source.Count;

    public IEnumerable<string> Keys => source.Keys;

    public IEnumerable<TValue> Values => source.Select(entry => convert(entry.Key, entry.Value));

    public TValue this[string key] => convert(key, source[key]);

    public bool ContainsKey(string key) => source.ContainsKey(key);

    public bool TryGetValue(string key, [MaybeNullWhen(false)] out TValue value)
    {
        var found = source.TryGetValue(key, out var stored);
        value = found ? convert(key, stored!) : default;
        return found;
    }

    public IEnumerator<KeyValuePair<string, TValue>> GetEnumerator() =>
        source.Select(entry => KeyValuePair.Create(entry.Key, convert(entry.Key, entry.Value))).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
