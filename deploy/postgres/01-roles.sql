-- Roles and database for a new Postgres server. Run once by a superuser, with psql 15 or newer:
--
--   OWNER_PASSWORD=... APP_PASSWORD=... psql --set ON_ERROR_STOP=1 --file deploy/postgres/01-roles.sql
--
-- counterfoil_owner    owns the database and runs migrations; the service never holds its password
-- counterfoil_service  what the service may do: migrations grant to it, table by table
-- counterfoil_app      the service's login; it owns nothing and may do what counterfoil_service may

\getenv owner_password OWNER_PASSWORD
\getenv app_password APP_PASSWORD

-- Statements that hold a password must not reach the server's log, not even when they fail.
set log_statement = 'none';
set log_min_duration_statement = -1;
set log_min_error_statement = 'panic';
set password_encryption = 'scram-sha-256';

-- An unset variable is left as it stands and is a syntax error here. An empty one must fail as well:
-- Postgres would take it for "no password", with a mere notice.
select 1 / (length(:'owner_password') >= 16)::int as "owner password is long enough",
       1 / (length(:'app_password') >= 16)::int as "app password is long enough";

create role counterfoil_owner login password :'owner_password';
create role counterfoil_service nologin;
create role counterfoil_app login password :'app_password' in role counterfoil_service;

create database counterfoil owner counterfoil_owner encoding 'UTF8' template template0;

-- By default everyone may connect to a database and make temporary tables in it.
revoke all on database counterfoil from public;
grant connect on database counterfoil to counterfoil_app;

-- Whatever a client asks for: a commit is on disk when it is answered.
alter role counterfoil_app in database counterfoil set synchronous_commit = 'on';
