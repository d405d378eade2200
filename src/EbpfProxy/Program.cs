return await EbpfProxy.Commands.Cli.RunAsync(args, Console.Out, Console.Error);
