using FluentValidation;

namespace PayoutManager.Application.Pipeline;

internal static class DomainRules
{
    /// <summary>Holds a parameter against a rule of the domain, which says what is wrong or null.</summary>
    /// <param name="rule">The rule under construction.</param>
    /// <param name="field">The parameter's name in the API.</param>
    /// <param name="fault">The domain's rule.</param>
    public static IRuleBuilderOptionsConditions<T, TValue> Satisfies<T, TValue>(
        this IRuleBuilder<T, TValue> rule,
        string field,
        Func<TValue, string?> fault) =>
        rule.Custom((value, context) =>
        {
            if (fault(value) is { } problem)
                context.AddFailure(field, $"{field} {problem}");
        });
}
