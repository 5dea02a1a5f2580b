type Feature = {
  name: string;
  /** Words of `syntaxOf`. */
  syntax: string;
  /** What to change, as Markdown, with its source. Left out where it works because the database runs Postgres's own code. */
  citus?: string;
  yugabyte?: string;
  cockroach: string;
};

const works = "works";
const ofOneShard = "[within one shard][citus]";
const leaveOut = "leave it out";

/** The syntax that needs a change, or care, on at least one of the databases. */
export const features: Feature[] = [
  {
    name: "`skip locked`",
    syntax: "waitPolicy:LockWaitSkip",
    citus: ofOneShard,
    yugabyte: `[${works}][y-locks]`,
    cockroach: `[${works}][c-locks]`,
  },
  {
    name: "`for update` and weaker row locks",
    syntax:
      "LockingClause waitPolicy:LockWaitBlock strength:LCS_FORUPDATE strength:LCS_FORNOKEYUPDATE strength:LCS_FORSHARE strength:LCS_FORKEYSHARE",
    citus: ofOneShard,
    yugabyte: `[${works}][y-locks]`,
    cockroach: "[`key` locks lock more][c-strengths]",
  },
  { name: "Recursive CTE", syntax: "recursive", citus: ofOneShard, cockroach: `[${works}][c-ctes]` },
  {
    name: "CTE that changes rows",
    syntax: "ctequery:InsertStmt ctequery:UpdateStmt ctequery:DeleteStmt",
    cockroach: `[${works}][c-ctes]`,
  },
  { name: "One table changed in two parts", syntax: "twice", cockroach: "[refused: split it][c-limits]" },
  {
    name: "`ctid`",
    syntax: "column:ctid",
    citus: "[within one shard][citus-ctid]",
    yugabyte: "[use `task_id`][y-columns]",
    cockroach: "[use `task_id`][c-columns]",
  },
  {
    name: "Transaction ids and snapshots (events)",
    syntax: "::xid8 ::xid pg_current_xact_id() pg_current_snapshot() pg_snapshot_xmin() pg_snapshot_xmax()",
    citus: "keep `event` local",
    yugabyte: "[use its change feed][y-xid]",
    cockroach: "[use its change feed][c-functions]",
  },
  {
    name: "`listen` and `pg_notify`",
    syntax: "ListenStmt pg_notify()",
    yugabyte: "[early access, 2025.2.3][y-listen]",
    cockroach: "[leave it out][c-compatibility]",
  },
  {
    name: "Advisory lock",
    syntax: "pg_advisory_xact_lock()",
    yugabyte: `[${works}][y-locks]`,
    cockroach: "[new in April 2026][c-advisory]",
  },
  {
    name: "Ordered index",
    syntax: "using:btree",
    yugabyte: "[first column: say `asc`][y-indexes]",
    cockroach: `[${works}][c-index]`,
  },
  {
    name: "BRIN index",
    syntax: "using:brin",
    yugabyte: `[${leaveOut}][y-indexes]`,
    cockroach: `[${leaveOut}][c-index]`,
  },
  {
    name: "`fillfactor`, autovacuum settings",
    syntax:
      "option:fillfactor option:autovacuum_analyze_scale_factor option:autovacuum_analyze_threshold option:autovacuum_vacuum_cost_delay option:autovacuum_vacuum_insert_scale_factor option:autovacuum_vacuum_insert_threshold option:autovacuum_vacuum_scale_factor option:autovacuum_vacuum_threshold option:vacuum_index_cleanup",
    yugabyte: "[ignored][y-storage]",
    cockroach: "[leave them out][c-storage]",
  },
  {
    name: "Function body without quotes, `parallel`",
    syntax: "sql_body ReturnStmt option:parallel",
    cockroach: "[quote the body][c-function]",
  },
  {
    name: "`make_interval(days => 7)`",
    syntax: "make_interval() NamedArgExpr",
    cockroach: "[`7 * interval '1 day'`][c-limits]",
  },
  {
    name: "`hashtext`, `hashtextextended`",
    syntax: "hashtext() hashtextextended()",
    cockroach: "[`fnv64a`][c-functions]",
  },
  { name: "`isfinite`", syntax: "isfinite()", cockroach: "[compare with `'infinity'`][c-functions]" },
  {
    name: "System catalogs",
    syntax: "catalog",
    yugabyte: "[not all][y-prepared]",
    cockroach: "[some are empty][c-catalog]",
  },
  {
    name: "`overriding system value`",
    syntax: "override:OVERRIDING_SYSTEM_VALUE",
    cockroach: "[identity `by default`][c-insert]",
  },
  {
    name: "Trigger in PL/pgSQL",
    syntax: "CreateTrigStmt language:plpgsql ::trigger row",
    cockroach: "[from 24.3][c-triggers]",
  },
];

const yugabyteDocs = "https://docs.yugabyte.com/stable";
const yugabyteIssues = "https://github.com/yugabyte/yugabyte-db/issues";
const cockroachDocs = "https://www.cockroachlabs.com/docs/stable";
const cockroachIssues = "https://github.com/cockroachdb/cockroach/issues";

export const sources: Record<string, string> = {
  citus: "https://docs.citusdata.com/en/stable/develop/reference_workarounds.html",
  "citus-ctid": "https://github.com/citusdata/citus/issues/512",
  "y-locks": `${yugabyteDocs}/explore/transactions/explicit-locking/`,
  "y-columns": `${yugabyteIssues}/24843`,
  "y-xid": `${yugabyteIssues}/15638`,
  "y-listen": `${yugabyteDocs}/api/ysql/the-sql-language/statements/cmd_listen_notify/`,
  "y-indexes": "https://docs.yugabyte.com/latest/explore/indexes-constraints/secondary-indexes-ysql",
  "y-storage": `${yugabyteIssues}/870`,
  "y-prepared": `${yugabyteIssues}/11101`,
  "c-advisory": "https://github.com/cockroachdb/cockroach/pull/168353",
  "c-catalog": `${cockroachDocs}/pg-catalog`,
  "c-columns": `${cockroachIssues}/20641`,
  "c-compatibility": `${cockroachDocs}/postgresql-compatibility`,
  "c-ctes": `${cockroachDocs}/common-table-expressions`,
  "c-function": `${cockroachDocs}/create-function`,
  "c-functions": `${cockroachDocs}/functions-and-operators`,
  "c-index": `${cockroachDocs}/create-index`,
  "c-insert": `${cockroachDocs}/insert`,
  "c-limits": `${cockroachDocs}/known-limitations`,
  "c-locks": `${cockroachDocs}/select-for-update`,
  "c-storage": `${cockroachIssues}/43299`,
  "c-strengths": `${cockroachIssues}/52420`,
  "c-triggers": "https://www.cockroachlabs.com/docs/v24.3/known-limitations",
};

/** What works on all of them, as far as their documentation says. */
export const everywhere = `
  A_ArrayExpr A_Const A_Expr A_Indirection A_Star AlterTableCmd AlterTableStmt BoolExpr Boolean CaseExpr CaseWhen
  CoalesceExpr ColumnDef ColumnRef CommonTableExpr CompositeTypeStmt Constraint CreateFunctionStmt CreateStmt DefElem
  DeleteStmt FuncCall FunctionParameter IndexElem IndexStmt InsertStmt Integer JoinExpr List MinMaxExpr NullTest
  ParamRef RangeFunction RangeSubselect RangeVar ResTarget RowExpr SelectStmt SortBy String SubLink TypeCast UpdateStmt
  ViewStmt

  agg_star all boolval expression_index if_not_exists inh initially_valid is_enforced is_local isnull lateral
  ordinality partial_index unique
  action:ONCONFLICT_NOTHING action:ONCONFLICT_UPDATE behavior:DROP_RESTRICT
  boolop:AND_EXPR boolop:NOT_EXPR boolop:OR_EXPR
  contype:CONSTR_CHECK contype:CONSTR_DEFAULT contype:CONSTR_FOREIGN contype:CONSTR_IDENTITY contype:CONSTR_NOTNULL
  contype:CONSTR_PRIMARY contype:CONSTR_UNIQUE
  ctematerialized:CTEMaterializeAlways ctematerialized:CTEMaterializeDefault ctequery:SelectStmt
  defaction:DEFELEM_UNSPEC funcformat:COERCE_EXPLICIT_CALL funcformat:COERCE_SQL_SYNTAX
  jointype:JOIN_INNER jointype:JOIN_LEFT
  kind:AEXPR_BETWEEN kind:AEXPR_DISTINCT kind:AEXPR_IN kind:AEXPR_NULLIF kind:AEXPR_OP kind:AEXPR_OP_ALL
  kind:AEXPR_OP_ANY
  language:sql limitOption:LIMIT_OPTION_COUNT limitOption:LIMIT_OPTION_DEFAULT mode:FUNC_PARAM_DEFAULT
  nulls_ordering:SORTBY_NULLS_DEFAULT nulltesttype:IS_NOT_NULL nulltesttype:IS_NULL objtype:OBJECT_TABLE
  oncommit:ONCOMMIT_NOOP op:IS_GREATEST op:IS_LEAST op:SETOP_EXCEPT op:SETOP_NONE op:SETOP_UNION
  option:as option:strict option:volatility ordering:SORTBY_DEFAULT ordering:SORTBY_DESC override:OVERRIDING_NOT_SET
  row_format:COERCE_EXPLICIT_CALL row_format:COERCE_IMPLICIT_CAST
  sortby_dir:SORTBY_DEFAULT sortby_dir:SORTBY_DESC sortby_nulls:SORTBY_NULLS_DEFAULT
  subLinkType:ANY_SUBLINK subLinkType:ARRAY_SUBLINK subLinkType:EXISTS_SUBLINK subLinkType:EXPR_SUBLINK
  withCheckOption:NO_CHECK_OPTION

  operator:* operator:+ operator:- operator:-> operator:->> operator:/ operator:< operator:<= operator:<> operator:=
  operator:> operator:>= operator:BETWEEN operator:^ operator:|| operator:~

  ::bool ::bytea ::date ::float4 ::float8 ::int2 ::int4 ::int8 ::interval ::jsonb ::regclass ::text ::time
  ::timestamptz ::uuid

  btrim() clock_timestamp() count() date_trunc() extract() floor() gen_random_uuid() json_agg() json_build_object()
  json_object_agg() jsonb_build_object() jsonb_to_recordset() length() lower() min() nextval() now() octet_length()
  pg_backend_pid() pg_get_serial_sequence() random() regexp_replace() row_number() set_config() sum() timezone()
  to_jsonb() to_regclass() to_timestamp() unnest()

  ::event_position mail_params() mailbox_of() task_usr_id()
`;
