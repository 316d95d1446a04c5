using System.Text.Json;
using System.Text.Json.Serialization;

namespace PayoutManager.Domain.Payouts;

/// <summary><c>{"state": "cancelled", "details": "why"}</c>; only a cancelled payout has details.</summary>
internal sealed class PayoutStatusJsonConverter : JsonConverter<PayoutStatus>
{
    private const string State = "state";
    private const string Details = "details";

    public override PayoutStatus Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        using var json = JsonDocument.ParseValue(ref reader);
        if (json.RootElement.ValueKind != JsonValueKind.Object
            || !json.RootElement.TryGetProperty(State, out var state)
            || state.ValueKind != JsonValueKind.String)
        {
            throw new JsonException($"A {nameof(PayoutStatus)} is an object with a {State} in JSON.");
        }

        var details = json.RootElement.TryGetProperty(Details, out var why) ? why.GetString() : null;
        return (state.GetString(), details) switch
        {
            ("unpaid", null) => PayoutStatus.Unpaid,
            ("paid", null) => PayoutStatus.Paid,
            ("confirmed", null) => PayoutStatus.Confirmed,
            ("failed", null) => PayoutStatus.Failed,
            ("cancelled", { } given) when PayoutStatus.DetailsFault(given) is null => PayoutStatus.Cancelled(given),
            ("cancelled", _) => throw new JsonException($"The {Details} of a cancelled payout {PayoutStatus.DetailsFault(details)}."),
            ("unpaid" or "paid" or "confirmed" or "failed", _) => throw new JsonException($"A payout that is {state} has no {Details}."),
            _ => throw new JsonException($"'{state}' is no state of a payout: must be unpaid, paid, confirmed, cancelled or failed."),
        };
    }

    public override void Write(Utf8JsonWriter writer, PayoutStatus value, JsonSerializerOptions options)
    {
        writer.WriteStartObject();
        writer.WriteString(State, value.ToString());
        if (value.Details is not null)
            writer.WriteString(Details, value.Details);
        writer.WriteEndObject();
    }
}
