using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using PayoutManager.Woody;

namespace PayoutManager.Client;

/// <summary>Composes the client.</summary>
public static class PayoutManagerClientServices
{
    /// <summary>The name of its <see cref="HttpClient"/>.</summary>
    public const string HttpClientName = "PayoutManager";

    /// <summary>Adds <see cref="IPayoutManagerClient"/>, one for all.</summary>
    /// <param name="services">Where to.</param>
    /// <param name="configure">Sets at least <see cref="PayoutManagerClientOptions.Url"/>.</param>
    /// <returns>The client's HTTP, for certificates, handlers or logging of the caller's own.</returns>
    /// <exception cref="OptionsValidationException">On first use: an option is wrong; the message names each.</exception>
    public static IHttpClientBuilder AddPayoutManagerClient(
        this IServiceCollection services, Action<PayoutManagerClientOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        services.Configure(configure);
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<PayoutManagerClientOptions>, OptionsCheck>());
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<IPayoutManagerClient, PayoutManagerClient>();
        return services
            .AddHttpClient(HttpClientName, http => http.Timeout = Timeout.InfiniteTimeSpan)
            .ConfigurePrimaryHttpMessageHandler(WoodyClient.CreateHandler)
            // Its connections are renewed by themselves, so that a moved name is noticed.
            .SetHandlerLifetime(Timeout.InfiniteTimeSpan);
    }

    private sealed class OptionsCheck : IValidateOptions<PayoutManagerClientOptions>
    {
        public ValidateOptionsResult Validate(string? name, PayoutManagerClientOptions options) =>
            options.Faults().ToArray() is { Length: > 0 } faults ? ValidateOptionsResult.Fail(faults) : ValidateOptionsResult.Success;
    }
}
