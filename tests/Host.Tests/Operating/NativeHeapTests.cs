using System.Runtime.InteropServices;
using PayoutManager.Host.Hosting;

namespace PayoutManager.Host.Tests.Operating;

public class NativeHeapTests
{
    private const int BlockSize = 64 << 10;
    private const int Blocks = 4096;

    [Fact]
    public void What_the_c_library_keeps_is_given_back()
    {
        Assert.True(NativeHeap.IsKnown, "These tests run where glibc is the C library.");
        var blocks = new nint[Blocks];
        for (var i = 0; i < Blocks; i++)
        {
            blocks[i] = Marshal.AllocHGlobal(BlockSize);
            for (var offset = 0; offset < BlockSize; offset += 4096)
                Marshal.WriteByte(blocks[i], offset, 1);
        }

        // The last one stays, so that the others are not at the heap's end, where glibc gives back by itself.
        foreach (var block in blocks.AsSpan(..^1))
            Marshal.FreeHGlobal(block);
        var kept = Environment.WorkingSet;

        NativeHeap.GiveBack();

        Assert.InRange(kept - Environment.WorkingSet, (long)BlockSize * Blocks / 2, long.MaxValue);
        Marshal.FreeHGlobal(blocks[^1]);
    }
}
