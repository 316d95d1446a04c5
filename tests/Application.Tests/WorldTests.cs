namespace PayoutManager.Application.Tests;

public class WorldTests
{
    [Fact]
    public async Task Whatever_is_awaited_goes_on_in_order_on_the_one_thread()
    {
        var thread = Environment.CurrentManagedThreadId;
        var order = new List<int>();

        await Task.WhenAll(Enumerable.Range(0, 100).Select(YieldAsync));

        Assert.Equal(Enumerable.Range(0, 100), order);

        async Task YieldAsync(int number)
        {
            await Task.Yield();
            Assert.Equal(thread, Environment.CurrentManagedThreadId);
            order.Add(number);
        }
    }
}
