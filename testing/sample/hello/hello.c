/* The program in the sample image: a greeting, the arguments it was given, and
 * what its alternate stream hello.exe:greeting says if the stream is there.
 *
 * It uses nothing but kernel32, so that the smallest Windows base can run it,
 * and is built without a C runtime by `cargo xtask generate`.
 */
#include <windows.h>

static HANDLE output;

static void print(const char *bytes, DWORD length)
{
    DWORD written;
    WriteFile(output, bytes, length, &written, NULL);
}

static void print_text(const char *text)
{
    print(text, (DWORD)lstrlenA(text));
}

static void print_wide(const WCHAR *text)
{
    char bytes[1024];
    int length = WideCharToMultiByte(CP_UTF8, 0, text, -1, bytes, sizeof bytes, NULL, NULL);
    if (length > 1)
        print(bytes, (DWORD)length - 1);
}

/* Returns what follows the program's own name in the command line. */
static const WCHAR *arguments(void)
{
    const WCHAR *text = GetCommandLineW();
    BOOL quoted = FALSE;
    for (; *text != 0 && (quoted || *text != ' '); text++)
        if (*text == '"')
            quoted = !quoted;
    while (*text == ' ')
        text++;
    return text;
}

/* Prints the alternate stream; its absence is not an error, only less to say. */
static void print_stream(void)
{
    static const WCHAR suffix[] = L":greeting";
    WCHAR path[MAX_PATH + sizeof suffix / sizeof *suffix];
    DWORD length = GetModuleFileNameW(NULL, path, MAX_PATH);
    if (length == 0 || length >= MAX_PATH)
        return;
    lstrcpyW(path + length, suffix);
    HANDLE stream = CreateFileW(path, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
    if (stream == INVALID_HANDLE_VALUE)
        return;
    char bytes[512];
    DWORD read;
    while (ReadFile(stream, bytes, sizeof bytes, &read, NULL) && read != 0)
        print(bytes, read);
    CloseHandle(stream);
}

void start(void)
{
    output = GetStdHandle(STD_OUTPUT_HANDLE);
    print_text("Hello from a Windows container layer.\r\n");
    const WCHAR *given = arguments();
    if (*given != 0) {
        print_text("You said: ");
        print_wide(given);
        print_text("\r\n");
    }
    print_stream();
    ExitProcess(0);
}
