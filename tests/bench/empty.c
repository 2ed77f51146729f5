/* The shortest possible process, to compare start-up with. */
int main(void) {
    return 0;
}
