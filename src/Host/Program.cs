using PayoutManager.Host.Commands;
using PayoutManager.Host.Hosting;

NativeHeap.Share();
return (int)await HostCommandLine.RunAsync(args);
