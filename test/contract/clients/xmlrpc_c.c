/* The calls of README.md with xmlrpc-c. Usage: xmlrpc_c URL TYPES_URL NODE TEXT SPECIFICATION */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xmlrpc-c/base.h>
#include <xmlrpc-c/client.h>

static xmlrpc_env env;

static void check(const char *what) {
  if (!env.fault_occurred) return;
  fprintf(stderr, "%s: %s (%d)\n", what, env.fault_string, env.fault_code);
  exit(1);
}

/* The library wants user and password apart from the URL. */
static xmlrpc_server_info *server_of(const char *url) {
  char bare[512] = "http://", user[128], password[256];
  if (sscanf(url, "http://%127[^:]:%255[^@]@%400s", user, password, bare + 7) != 3) exit(2);
  xmlrpc_server_info *server = xmlrpc_server_info_new(&env, bare);
  check(bare);
  xmlrpc_server_info_set_basic_auth(&env, server, user, password);
  check(bare);
  return server;
}

static void print_string(const char *text, size_t length) {
  putchar('"');
  for (size_t i = 0; i < length; i++) {
    unsigned char c = (unsigned char)text[i];
    if (c == '"' || c == '\\') printf("\\%c", c);
    else if (c < 0x20) printf("\\u%04x", c);
    else putchar(c);
  }
  putchar('"');
}

static void print_value(xmlrpc_value *value);

static void print_base64(xmlrpc_value *value) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  size_t length;
  const unsigned char *bytes;
  xmlrpc_read_base64(&env, value, &length, &bytes);
  printf("{\"base64\":\"");
  for (size_t i = 0; i < length; i += 3) {
    unsigned long three = (unsigned long)bytes[i] << 16;
    if (i + 1 < length) three |= (unsigned long)bytes[i + 1] << 8;
    if (i + 2 < length) three |= bytes[i + 2];
    putchar(digits[three >> 18 & 63]);
    putchar(digits[three >> 12 & 63]);
    putchar(i + 1 < length ? digits[three >> 6 & 63] : '=');
    putchar(i + 2 < length ? digits[three & 63] : '=');
  }
  printf("\"}");
}

static void print_struct(xmlrpc_value *value) {
  putchar('{');
  for (int i = 0; i < xmlrpc_struct_size(&env, value); i++) {
    xmlrpc_value *name, *member;
    if (i > 0) putchar(',');
    xmlrpc_struct_read_member(&env, value, i, &name, &member);
    print_value(name);
    putchar(':');
    print_value(member);
    xmlrpc_DECREF(name);
    xmlrpc_DECREF(member);
  }
  putchar('}');
}

static void print_array(xmlrpc_value *value) {
  putchar('[');
  for (int i = 0; i < xmlrpc_array_size(&env, value); i++) {
    xmlrpc_value *item;
    if (i > 0) putchar(',');
    xmlrpc_array_read_item(&env, value, i, &item);
    print_value(item);
    xmlrpc_DECREF(item);
  }
  putchar(']');
}

static void print_value(xmlrpc_value *value) {
  xmlrpc_int32 number;
  xmlrpc_double real;
  xmlrpc_bool truth;
  const char *text;
  size_t length;
  switch (xmlrpc_value_type(value)) {
    case XMLRPC_TYPE_INT:
      xmlrpc_read_int(&env, value, &number);
      printf("%d", number);
      break;
    case XMLRPC_TYPE_DOUBLE:
      xmlrpc_read_double(&env, value, &real);
      printf("%.17g", real);
      break;
    case XMLRPC_TYPE_BOOL:
      xmlrpc_read_bool(&env, value, &truth);
      printf(truth ? "true" : "false");
      break;
    case XMLRPC_TYPE_DATETIME:
      xmlrpc_read_datetime_str(&env, value, &text);
      printf("{\"date\":\"%s\"}", text);
      break;
    case XMLRPC_TYPE_STRING:
      xmlrpc_read_string_lp(&env, value, &length, &text);
      print_string(text, length);
      break;
    case XMLRPC_TYPE_BASE64: print_base64(value); break;
    case XMLRPC_TYPE_ARRAY: print_array(value); break;
    case XMLRPC_TYPE_STRUCT: print_struct(value); break;
    default: fprintf(stderr, "A type that the specification does not have\n"); exit(1);
  }
  check("an answer");
}

static xmlrpc_value *tell(const char *step, xmlrpc_server_info *server, const char *method, xmlrpc_value *params) {
  check(step);
  xmlrpc_value *answer = xmlrpc_client_call_server_params(&env, server, method, params);
  printf("{\"step\":\"%s\",", step);
  if (env.fault_occurred) {
    printf("\"fault\":{\"code\":%d,\"message\":", env.fault_code);
    print_string(env.fault_string, strlen(env.fault_string));
    printf("}}\n");
    xmlrpc_env_clean(&env);
    xmlrpc_env_init(&env);
    answer = NULL;
  } else {
    printf("\"value\":");
    print_value(answer);
    printf("}\n");
  }
  return answer;
}

int main(int count, char **words) {
  if (count != 6) return 2;
  const char *node = words[3], *text = words[4], *specification = words[5];
  xmlrpc_env_init(&env);
  xmlrpc_client_init2(&env, XMLRPC_CLIENT_NO_FLAGS, "plush-test", "1", NULL, 0);
  check("client");
  xmlrpc_server_info *rpc = server_of(words[1]), *types = server_of(words[2]);

  tell("hello", rpc, "plushTestConnection", xmlrpc_build_value(&env, "()"));
  tell("signature", rpc, "system.methodSignature", xmlrpc_build_value(&env, "(s)", "plushGetNode"));
  tell("add", rpc, "plushAddNode",
       xmlrpc_build_value(&env, "({s:s,s:s,s:i,s:d,s:{s:s,s:8},s:{s:s,s:s,s:s}})", "hostname", node, "group", text,
                          "ssh_port", (xmlrpc_int32)2222, "preference", 1.5, "lease", "id", "l-1", "expires",
                          "20310102T03:04:05", "properties", "site", text, "empty", "", "constructor", "x"));
  tell("node", rpc, "plushGetNode", xmlrpc_build_value(&env, "(s)", node));
  tell("load", rpc, "plushLoadAppXml",
       xmlrpc_build_value(&env, "(6)", (const unsigned char *)specification, strlen(specification)));
  tell("fault", rpc, "plushGetNode", xmlrpc_build_value(&env, "(s)", "nobody"));
  tell("multicall", rpc, "system.multicall",
       xmlrpc_build_value(&env, "(({s:s,s:()}{s:s,s:(s)}))", "methodName", "plushTestConnection", "params",
                          "methodName", "plushGetNode", "params", "nobody"));

  xmlrpc_value *page = xmlrpc_build_value(&env, "{s:s,s:i}", "group", "many", "limit", (xmlrpc_int32)400);
  for (;;) {
    xmlrpc_value *cursor = NULL;
    xmlrpc_value *answer = tell("page", rpc, "plushListNodes", xmlrpc_build_value(&env, "(V)", page));
    xmlrpc_struct_find_value(&env, answer, "cursor", &cursor);
    check("cursor");
    if (cursor == NULL) break;
    xmlrpc_struct_set_value(&env, page, "cursor", cursor);
  }

  tell("types", types, "validator1.manyTypesTest",
       xmlrpc_build_value(&env, "(ibsd86)", (xmlrpc_int32)7, (xmlrpc_bool)1, text, -0.25, "20240229T23:59:58",
                          (const unsigned char *)"\x00\x01\xfe\xff", (size_t)4));
  tell("echo", types, "validator1.echoStructTest",
       xmlrpc_build_value(&env, "({s:(i()(s{s:b})),s:{s:i}})", "list", (xmlrpc_int32)1, text, "a", (xmlrpc_bool)0, "a b",
                          "n", (xmlrpc_int32)(-2147483647 - 1)));
  return 0;
}
