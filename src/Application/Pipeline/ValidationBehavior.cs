using FluentValidation;
using MediatR;
using PayoutManager.Application.Outcomes;

namespace PayoutManager.Application.Pipeline;

/// <summary>Refuses a request before its handler sees it, with everything that its validators find wrong.</summary>
internal sealed class ValidationBehavior<TRequest, TResponse>(IEnumerable<IValidator<TRequest>> validators)
    : IPipelineBehavior<TRequest, TResponse>
    where TRequest : IRequest<TResponse>
{
    private readonly IValidator<TRequest>[] _validators = [.. validators];

    public Task<TResponse> Handle(
        TRequest request,
        CancellationToken cancellationToken,
        RequestHandlerDelegate<TResponse> next)
    {
        if (_validators.Length == 0)
            return next();
        string[] errors = [.. _validators.SelectMany(v => v.Validate(request).Errors).Select(e => e.ErrorMessage)];
        return errors.Length == 0 ? next() : throw new InvalidRequestException(errors);
    }
}
