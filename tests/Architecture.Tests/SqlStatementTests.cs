using System.Text.RegularExpressions;
using PayoutManager.Testing;

namespace PayoutManager.Architecture.Tests;

/// <summary>
/// What a database that is spread over several machines asks of the statements. They are read from the program's text: what a statement
/// is made of are the string literals of the storage for PostgreSQL.
/// </summary>
public partial class SqlStatementTests
{
    private static readonly string Folder = Path.Combine(Repository.Root, "src/Infrastructure/Storage/Postgres");

    // They are about all payouts that there is something to do for, are asked by no call, and find their rows by an index.
    private static readonly string[] OfNoPayout =
        ["ReadOutboxAsync", "ListDueAsync", "ReadBacklogAsync", "ListNotesAsync", "ListHistoriesAsync", "SelectChanges"];

    public static TheoryData<string, string, string> Statements()
    {
        var data = new TheoryData<string, string, string>();
        foreach (var statement in FindStatements())
            data.Add(statement.File, statement.Method, statement.Sql);
        return data;
    }

    [Fact]
    public void All_statements_are_found()
    {
        var methods = FindStatements().Select(statement => statement.Method).ToHashSet();

        Assert.Empty(
            ((string[])["FindAsync", "TryInsertAsync", "TryCreateAsync", "TryChangeAsync", "AcknowledgeAsync", "LeaseLanesAsync"]).Except(methods));
        // A name that is no method's any more would hide nothing and mean nothing.
        Assert.Empty(OfNoPayout.Except(methods));
    }

    [Theory]
    [MemberData(nameof(Statements))]
    public void Nothing_is_written_that_differs_wherever_it_is_evaluated(string file, string method, string sql) =>
        Assert.True(FindVolatile(sql) is null, $"{file}, {method}: {FindVolatile(sql)} in\n{sql}");

    [Theory]
    [MemberData(nameof(Statements))]
    public void Every_table_of_payouts_is_asked_for_a_payout(string file, string method, string sql) =>
        Assert.True(
            OfNoPayout.Contains(method) || FindUnnamed(sql) is null, $"{file}, {method}: {FindUnnamed(sql)} in\n{sql}");

    /// <summary>Without BEGIN, a distributed database commits each of several statements that are sent together by itself.</summary>
    [Fact]
    public void Several_statements_together_begin_and_commit_unless_all_of_them_only_read()
    {
        var batches = ReadFiles().SelectMany(file => MethodsOf(file.Text)).Where(method => MakesBatch().IsMatch(method.Text)).ToList();

        Assert.Contains("ExecuteAsync", batches.Select(method => method.Name));
        Assert.All(batches, method => Assert.True(BeginsOrReads(method.Text), $"{method.Name} sends several statements together"));
    }

    [Theory]
    [InlineData("""var b = source.CreateBatch(); b.Add("SELECT 1"); b.Add("SELECT 2");""", true)]
    [InlineData("""var b = source.CreateBatch(); b.Add("SELECT 1"); b.Add("DELETE FROM pm.payout");""", false)]
    [InlineData("""var b = source.CreateBatch(); b.Add("SELECT 1"); b.Add("WITH x AS (DELETE FROM pm.payout) SELECT 1");""", false)]
    [InlineData("""var b = new NpgsqlBatch(c); b.Insert(0, "BEGIN"); b.Add("DELETE FROM pm.payout"); b.Add("COMMIT");""", true)]
    [InlineData("""var b = new NpgsqlBatch(c); foreach (var s in statements) b.Add(s);""", false)]
    public void The_search_finds_what_does_not_begin(string method, bool isFine) => Assert.Equal(isFine, BeginsOrReads(method));

    [Theory]
    [InlineData("UPDATE pm.payout SET created_at = clock_timestamp() WHERE payout_id = $1", "clock_timestamp(")]
    [InlineData("INSERT INTO pm.relay_host VALUES ($1) ON CONFLICT (owner) DO UPDATE SET present_until = clock_timestamp()", "clock_timestamp(")]
    [InlineData("UPDATE pm.payout SET fee = random() WHERE payout_id = $1", "random(")]
    [InlineData("SELECT clock_timestamp() - stored_at FROM pm.event_outbox", null)]
    [InlineData("UPDATE pm.payout SET created_at = statement_timestamp() WHERE payout_id = $1", null)]
    public void The_search_finds_what_is_volatile(string sql, string? found) => Assert.Equal(found, FindVolatile(sql));

    [Theory]
    [InlineData("SELECT 1 FROM pm.payout WHERE payout_id = $1", null)]
    [InlineData("DELETE FROM pm.event_outbox WHERE payout_id = ANY ($1) AND id = ANY ($2)", null)]
    [InlineData("DELETE FROM pm.event_outbox WHERE id = ANY ($1)", "pm.event_outbox")]
    [InlineData("UPDATE pm.payout p SET fee = 1 FROM ended WHERE p.payout_id = ended.payout_id", "pm.payout")]
    [InlineData("WITH e AS (DELETE FROM pm.payout_operation WHERE payout_id = $1 RETURNING payout_id) UPDATE pm.payout SET fee = 1", "pm.payout")]
    [InlineData("SELECT (SELECT fee FROM pm.payout) FROM pm.payout_event WHERE payout_id = $1", "pm.payout")]
    [InlineData("INSERT INTO pm.payout (payout_id) SELECT payout_id FROM ended", null)]
    [InlineData("INSERT INTO pm.payout (fee) VALUES (1)", "pm.payout")]
    [InlineData("SELECT 1 FROM pm.payout p JOIN pm.cash_flow_posting c ON c.payout_id = p.payout_id WHERE p.payout_id = $1", null)]
    [InlineData("SELECT 1 FROM pm.relay_lane", null)]
    public void The_search_finds_what_names_no_payout(string sql, string? found) => Assert.Equal(found, FindUnnamed(sql));

    /// <summary>A function in what is written whose value depends on when and where it is evaluated.</summary>
    private static string? FindVolatile(string sql) => Assignments().Matches(sql)
        .Select(assignments => VolatileFunctions().Match(assignments.Value))
        .FirstOrDefault(match => match.Success)?.Value;

    /// <summary>A table of payouts that is not asked for a payout where it is named, that is within the innermost parentheses.</summary>
    private static string? FindUnnamed(string sql) => PayoutTables().Matches(sql)
        .Where(table => table.Groups["verb"].Value == "INTO"
            ? !sql[table.Index..].Split(')')[0].Contains("payout_id", StringComparison.Ordinal)
            : !NamesPayout().IsMatch(Within(sql, table.Index)))
        .Select(table => table.Groups["table"].Value)
        .FirstOrDefault();

    /// <summary>What is within the same parentheses as a place, without what is in further ones; but with those of ANY.</summary>
    private static string Within(string sql, int place)
    {
        var (from, depth) = (place, 0);
        while (from > 0 && depth >= 0)
            depth += sql[--from] switch { ')' => 1, '(' => -1, _ => 0 };
        var text = new List<char>();
        depth = 0;
        foreach (var c in sql[(depth < 0 || sql[from] == '(' ? from + 1 : from)..])
        {
            depth += c switch { '(' => 1, ')' => -1, _ => 0 };
            if (depth < 0)
                break;
            if (depth == 0 || (depth == 1 && c == '('))
                text.Add(c);
        }

        return new string([.. text]);
    }

    private static IEnumerable<(string File, string Method, string Sql)> FindStatements() => ReadFiles().SelectMany(file =>
    {
        var constants = Constants().Matches(file.Text).ToDictionary(match => match.Groups["name"].Value, match => Content(match));
        return Literals().Matches(file.Text)
            .Where(match => IsStatement().IsMatch(Content(match)))
            .Select(match => (file.File, MethodAt(file.Text, match.Index), Resolve(Content(match), constants)));
    });

    private static string Resolve(string sql, Dictionary<string, string> constants) =>
        Interpolations().Replace(sql, match => constants.TryGetValue(match.Groups[1].Value, out var value) ? Resolve(value, constants) : "x");

    private static string MethodAt(string text, int place) => Methods().Matches(text[..place]).LastOrDefault()?.Groups["name"].Value ?? "";

    private static string Content(Match literal) =>
        (literal.Groups["raw"].Success ? literal.Groups["raw"] : literal.Groups["plain"]).Value.Trim();

    private static bool BeginsOrReads(string method)
    {
        var literals = Literals().Matches(method).Select(Content).ToList();
        var statements = literals.Where(literal => IsStatement().IsMatch(literal)).ToList();
        return literals.Any(literal => literal.StartsWith("BEGIN", StringComparison.Ordinal))
            || (statements.Count > 0 && !statements.Any(sql => Writes().IsMatch(sql)));
    }

    /// <summary>The methods of a file, each with its text up to the next.</summary>
    private static IEnumerable<(string Name, string Text)> MethodsOf(string text)
    {
        var methods = Methods().Matches(text).ToList();
        return methods.Select((method, i) => (
            method.Groups["name"].Value, text[method.Index..(i + 1 < methods.Count ? methods[i + 1].Index : text.Length)]));
    }

    private static IEnumerable<(string File, string Text)> ReadFiles() =>
        Directory.EnumerateFiles(Folder, "*.cs").Select(file => (Path.GetFileName(file), File.ReadAllText(file)));

    [GeneratedRegex("""\$?"{3}(?<raw>.*?)"{3}|\$?"(?<plain>(?:[^"\\\n]|\\.)*)"|'(?:[^'\\\n]|\\.)'""", RegexOptions.Singleline)]
    private static partial Regex Literals();

    [GeneratedRegex("""const string (?<name>\w+) =\s*\$?(?:"{3}(?<raw>.*?)"{3}|"(?<plain>[^"\n]*)")""", RegexOptions.Singleline)]
    private static partial Regex Constants();

    [GeneratedRegex(@"\{([\w.]+)\}")]
    private static partial Regex Interpolations();

    [GeneratedRegex(@"^\(?\s*(WITH|SELECT|INSERT INTO|UPDATE|DELETE FROM)\s")]
    private static partial Regex IsStatement();

    [GeneratedRegex(@"\b(INSERT INTO|UPDATE|DELETE FROM)\s")]
    private static partial Regex Writes();

    [GeneratedRegex(@"^    (?:public|private|internal|protected)[^=;\n]*?\b(?<name>\w+)(?:<\w+>)?\(", RegexOptions.Multiline)]
    private static partial Regex Methods();

    [GeneratedRegex(@"\bSET\b.*?(?=\bWHERE\b|\bRETURNING\b|\bFROM\b|$)", RegexOptions.Singleline)]
    private static partial Regex Assignments();

    [GeneratedRegex(@"\b(clock_timestamp|random|timeofday|gen_random_uuid|nextval)\(")]
    private static partial Regex VolatileFunctions();

    [GeneratedRegex(@"\b(?<verb>FROM|JOIN|UPDATE|INTO|USING)\s+(?<table>pm\.(payout_operation|payout_event|payout|cash_flow_posting|event_outbox))\b")]
    private static partial Regex PayoutTables();

    [GeneratedRegex(@"payout_id = (\$1|ANY \()")]
    private static partial Regex NamesPayout();

    [GeneratedRegex(@"\.CreateBatch\(|new NpgsqlBatch\(")]
    private static partial Regex MakesBatch();
}
